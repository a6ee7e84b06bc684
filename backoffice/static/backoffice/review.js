/* Chooses all rewards of the page of the review list, or none. */
"use strict";

(() => {
    const all = document.querySelector(".review-all");
    const boxes = Array.from(document.querySelectorAll("#review input[name=reward]"));
    if (!all) {
        return;
    }
    all.addEventListener("change", () => {
        for (const box of boxes) {
            box.checked = all.checked;
        }
    });
    for (const box of boxes) {
        box.addEventListener("change", () => {
            all.checked = boxes.every((other) => other.checked);
            all.indeterminate = !all.checked && boxes.some((other) => other.checked);
        });
    }
})();
