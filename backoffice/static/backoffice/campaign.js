/* The campaign form: follows what is typed with a preview, and shows only what its events have a use for.
   Everything is decided on the server; this script sends the form and puts the answer in its places. */
(() => {
    "use strict";

    const PAUSE_MS = 300;

    document.addEventListener("DOMContentLoaded", () => {
        const place = document.querySelector("[data-campaign]");
        if (place) {
            follow(place, place.closest("form"));
        }
    });

    function follow(place, form) {
        const preview = place.querySelector("[data-preview]");
        const asJson = form.querySelector("input[type=checkbox][name=rules_as_json]");
        const showAll = place.querySelector("[data-show-all]");
        let last = null;
        let timer = null;
        let asking = null;

        function arrange() {
            if (!last) {
                return;
            }
            for (const row of place.querySelectorAll("tr[data-family]")) {
                const family = row.dataset.family;
                const useful = (!family || last.families.includes(family)) &&
                    (last.has_amount || !("needsAmount" in row.dataset));
                row.hidden = !(useful || showAll.checked || isFilled(row));
            }
            for (const cell of place.querySelectorAll("[data-level=referred]")) {
                cell.hidden = !(last.welcome || showAll.checked || isFilled(place, "[data-level=referred] "));
            }
            for (const part of place.querySelectorAll("[data-sample] [data-needs-amount]")) {
                part.hidden = !last.has_amount;
            }
            for (const part of place.querySelectorAll("[data-sample] [data-welcome]")) {
                part.hidden = !last.welcome;
            }
            const types = form.querySelector(".field-event_types")?.closest(".form-row");
            if (types) {
                types.hidden = !last.is_custom;
            }
            arrangeHappenings();
        }

        function arrangeHappenings() {
            const select = place.querySelector("[name=try-family]");
            for (const option of select.options) {
                option.hidden = option.disabled = !last.families.includes(option.value);
            }
            if (!last.families.includes(select.value)) {
                select.value = last.families[0];
            }
        }

        function isFilled(part, prefix = "") {
            const inputs = part.querySelectorAll(`${prefix}input[type=text]`);
            return [...inputs].some((input) => input.value.trim() !== "") ||
                part.querySelector(`${prefix}.errors`) !== null;
        }

        function tableInputs() {
            return place.querySelectorAll("[name^=rules-]");
        }

        function chooseNotation() {
            const fromJson = asJson !== null && asJson.checked;
            const json = form.querySelector("[name=reward_rules]");
            for (const input of tableInputs()) {
                input.disabled = fromJson;
            }
            if (asJson !== null) {
                json.readOnly = !fromJson;
            }
        }

        function takeOver(answer) {
            last = answer;
            preview.innerHTML = answer.html;
            place.querySelector("[data-sample] [data-welcome] label").textContent = answer.referred_role;
            place.querySelector("[data-summary]").textContent = answer.summary;
            if (answer.fields) {
                for (const input of tableInputs()) {
                    const name = input.name.slice("rules-".length);
                    input.value = answer.fields[name] ?? (name.endsWith(".before_role") ? "lock" : "");
                }
            }
            if (answer.json && asJson !== null) {
                form.querySelector("[name=reward_rules]").value = answer.json;
            }
            arrange();
        }

        async function ask() {
            asking?.abort();
            asking = new AbortController();
            try {
                const answer = await fetch(place.dataset.previewUrl, {
                    method: "POST",
                    body: new FormData(form),
                    signal: asking.signal,
                });
                if (!answer.ok) {
                    throw new Error(`${answer.status}`);
                }
                takeOver(await answer.json());
            } catch (error) {
                if (error.name !== "AbortError") {
                    preview.textContent = place.dataset.failed;
                }
            }
        }

        function askSoon() {
            clearTimeout(timer);
            timer = setTimeout(ask, PAUSE_MS);
        }

        form.addEventListener("input", askSoon);
        form.addEventListener("change", (event) => {
            if (event.target === asJson) {
                chooseNotation();
            }
            if (event.target === showAll) {
                arrange();
            }
            askSoon();
        });
        // Nothing is to arrive for a page that is being left.
        form.addEventListener("submit", () => {
            clearTimeout(timer);
            asking?.abort();
        });

        last = JSON.parse(document.getElementById("campaign-answer").textContent);
        chooseNotation();
        arrange();
        if (asJson !== null && asJson.checked) {
            ask();
        }
    }
})();
