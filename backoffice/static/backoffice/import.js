// Writes an import portion after portion, as long as the page is open and nobody stops it. Without this script
// the button writes one portion a click.
"use strict";

(() => {
    const form = document.getElementById("import-run");
    if (!form) {
        return;
    }
    const stop = document.getElementById("import-stop");
    const bar = document.getElementById("import-bar");
    const progress = document.getElementById("import-progress");
    const problem = document.getElementById("import-problem");
    const number = new Intl.NumberFormat(document.documentElement.lang);
    let stopped = false;

    function show({ done, total }) {
        bar.value = done;
        progress.textContent = progress.dataset.text
            .replace("%(done)s", number.format(done))
            .replace("%(total)s", number.format(total));
    }

    function tell(text) {
        problem.textContent = text;
        problem.hidden = false;
        stop.hidden = true;
        form.hidden = false;
    }

    async function portion() {
        const answer = await fetch(form.action, {
            method: "POST",
            body: new FormData(form),
            headers: { Accept: "application/json" },
        });
        const body = await answer.json();
        if (!answer.ok) {
            throw new Error(body.problem || "");
        }
        return body;
    }

    async function run() {
        let state;
        do {
            state = await portion();
            show(state);
        } while (!state.finished && !stopped);
        location.reload();
    }

    form.addEventListener("submit", (event) => {
        event.preventDefault();
        form.hidden = true;
        stop.hidden = false;
        problem.hidden = true;
        run().catch((error) => tell(error.message || problem.dataset.offline));
    });
    stop.addEventListener("click", () => {
        stopped = true;
        stop.disabled = true;
    });
})();
