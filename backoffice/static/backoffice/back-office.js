/* What the theme offers to the mouse only, for the keyboard and for those who listen. */
"use strict";

(() => {
    // Elements that are clicked but are neither links nor buttons: filters, the menu of the person, themes.
    // What lies behind the filters is left out: the Escape key closes them.
    const CLICKED = ":is(a, div, span)[x-on\\:click]:not([href], #changelist-filter-close)";
    const REACHED = "a[href], button, input, select, textarea";

    function press(event) {
        if (event.target === event.currentTarget && (event.key === "Enter" || event.key === " ")) {
            event.preventDefault();
            event.currentTarget.click();
        }
    }

    // What is drawn in place of a list that is looked up is not named by the list's label.
    function nameLookup(select) {
        const label = select.labels[0];
        const drawn = select.nextElementSibling;
        const box = drawn.querySelector(".select2-selection");
        const chosen = drawn.querySelector(".select2-selection__rendered");
        label.id ||= `${select.id}-label`;
        box.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
        chosen.setAttribute("aria-labelledby", label.id);
        window.django.jQuery(select).on("select2:open", () => {
            box.setAttribute("aria-controls", box.getAttribute("aria-owns"));
            document.querySelector(".select2-search__field").setAttribute("aria-labelledby", label.id);
        });
    }

    window.addEventListener("load", () => {
        for (const element of document.querySelectorAll(CLICKED)) {
            if (!element.querySelector(REACHED) && !element.closest("button, a[href]")) {
                element.setAttribute("role", "button");
                element.tabIndex = 0;
                element.addEventListener("keydown", press);
            }
        }
        const lookups = document.querySelectorAll("select.unfold-filter-autocomplete");
        if (lookups.length) {
            // After the theme, which draws them when jQuery is ready.
            window.django.jQuery(() => lookups.forEach(nameLookup));
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
