// Shows how far a bulk retry is, as long as it runs; the work itself does not need the page.
"use strict";

(() => {
    const EVERY_MS = 1000;
    const bar = document.getElementById("retry-bar");
    const progress = document.getElementById("retry-progress");
    const problem = document.getElementById("retry-problem");
    if (!bar || !bar.dataset.progress) {
        return;
    }

    async function look() {
        const answer = await fetch(bar.dataset.progress, { headers: { Accept: "application/json" } });
        if (!answer.ok) {
            throw new Error(answer.statusText);
        }
        const state = await answer.json();
        problem.hidden = true;
        bar.value = state.done;
        progress.textContent = state.text;
        return state.running;
    }

    async function run() {
        let running = true;
        while (running) {
            await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
            try {
                running = await look();
            } catch {
                problem.hidden = false;
            }
        }
        location.reload();
    }

    run();
})();
