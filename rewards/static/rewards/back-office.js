/* What the theme offers to the mouse only, for the keyboard and for those who listen. */
"use strict";

(() => {
    // Elements that are clicked but are neither links nor buttons: filters, the menu of the person, themes.
    const CLICKED = ":is(a, div, span)[x-on\\:click]:not([href])";
    const REACHED = "a[href], button, input, select, textarea";

    function press(event) {
        if (event.target === event.currentTarget && (event.key === "Enter" || event.key === " ")) {
            event.preventDefault();
            event.currentTarget.click();
        }
    }

    window.addEventListener("load", () => {
        for (const element of document.querySelectorAll(CLICKED)) {
            if (!element.querySelector(REACHED) && !element.closest("button, a[href]")) {
                element.setAttribute("role", "button");
                element.tabIndex = 0;
                element.addEventListener("keydown", press);
            }
        }
        // Django draws icons with a spoken name beside its filters, and does not say that they are pictures;
        // its own script does so at the same event.
        setTimeout(() => {
            for (const icon of document.querySelectorAll(".search-label-icon[aria-label]")) {
                icon.setAttribute("role", "img");
            }
        });
    });
})();
