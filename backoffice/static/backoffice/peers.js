// Loads the page again once the worker has heard of the services that somebody asked; gives up after a while.
"use strict";

(() => {
    const EVERY_MS = 1000;
    const TRIES = 60;
    const wait = document.getElementById("peers-wait");
    if (!wait || !wait.dataset.waits) {
        return;
    }

    async function run() {
        for (let number = 0; number < TRIES; number += 1) {
            await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
            const answer = await fetch(wait.dataset.waits, { headers: { Accept: "application/json" } });
            if (!answer.ok) {
                return;
            }
            const state = await answer.json();
            if (!state.waiting.length) {
                location.reload();
                return;
            }
        }
    }

    run().catch(() => {});
})();
