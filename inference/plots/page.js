// Enlarges a figure in a dialog, and opens what is folded before the page is printed. The page does without it.
(() => {
  "use strict";
  const dialog = document.createElement("dialog");
  if (typeof dialog.showModal === "function") {
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    const scroll = document.createElement("div");
    scroll.className = "scroll";
    dialog.append(close, scroll);
    dialog.setAttribute("aria-label", "A figure, enlarged");
    document.body.append(dialog);

    for (const image of document.querySelectorAll("figure img")) {
      const open = () => {
        const copy = image.cloneNode();
        copy.className = "plot";
        copy.removeAttribute("role");
        copy.removeAttribute("tabindex");
        scroll.replaceChildren(copy);
        dialog.showModal();
      };
      image.classList.add("opens");
      image.setAttribute("role", "button");
      image.setAttribute("tabindex", "0");
      image.title = "Enlarge";
      image.addEventListener("click", open);
      image.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          open();
        }
      });
    }
  }

  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });
})();
