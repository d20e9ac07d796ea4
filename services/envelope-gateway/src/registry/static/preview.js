// The dialog in the preview takes the focus when it opens; it goes back to where the person was.
(() => {
  "use strict";
  let last = "";
  document.addEventListener("focusin", (event) => {
    if (!event.target.matches("iframe")) last = event.target.id;
  });
  window.addEventListener("blur", () => setTimeout(() => {
    const frame = document.activeElement;
    if (!frame || !frame.matches(".preview-frame")) return;
    frame.blur();
    window.focus();
    document.getElementById(last)?.focus({ preventScroll: true });
  }));
})();
