"""Spans of requests and of statements, sent to a collector by OTLP over HTTP. Loaded only when configured."""

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span


def start() -> None:
    """Trace from now on. The values of statements are not sent, only their text with placeholders."""
    name = os.environ.get("OTEL_SERVICE_NAME", "referral-service")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(response_hook=_name_request)
    PsycopgInstrumentor().instrument()


def _name_request(span: Span, request: object, response: object) -> None:
    """Let a span be found by the id that callers and logs know."""
    if request_id := getattr(request, "request_id", ""):
        span.set_attribute("request_id", request_id)
