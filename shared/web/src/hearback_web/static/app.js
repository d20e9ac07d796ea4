/* What every page has beside its HTML: theme, time zone, copying, dialogs, menus, toasts, times that stay true.
   Pages work without it. Nothing here makes HTML from text. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("has-script");

  const YEAR = 31536000;
  const texts = JSON.parse(document.querySelector('meta[name="hearback-texts"]')?.content || "{}");
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const readCookie = (name) =>
    document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  const writeCookie = (name, value) => {
    document.cookie = `${name}=${value}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
  };

  // --- What is shown once answers a form: loaded again, the page is asked for, and the form is not sent again.
  const once = document.querySelector("[data-once]");
  if (once) history.replaceState(history.state, "", once.dataset.once);

  // --- Times: the server writes them in the zone of the cookie; the first page of a browser is put right here.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isNewZone = Boolean(zone) && readCookie("hearback_zone") !== zone;
  if (isNewZone) writeCookie("hearback_zone", zone);
  const absolute = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
  const relative = (then, now) => {
    const seconds = (now - then) / 1000;
    const words = (seconds < 0 ? texts.in : texts.ago) || [];
    const say = (unit, count) => words[unit]?.replace("{}", Math.floor(count)) ?? null;
    const distance = Math.abs(seconds);
    if (distance < 60) return texts.now ?? null;
    if (distance < 3600) return say(0, distance / 60);
    if (distance < 86400) return say(1, distance / 3600);
    return distance < 7 * 86400 ? say(2, distance / 86400) : null;
  };
  const refreshTimes = (within) => {
    const now = Date.now();
    for (const element of within.querySelectorAll("time[datetime]")) {
      const then = Date.parse(element.dateTime);
      if (Number.isNaN(then)) continue;
      const text = relative(then, now);
      if (text && element.textContent !== text) element.textContent = text;
      if (isNewZone && element.title) element.title = absolute.format(then);
    }
  };
  setInterval(() => { if (!document.hidden) refreshTimes(document); }, 30000);

  // --- Toasts
  const toasts = () => document.getElementById("toasts");
  const TOAST_MS = 8000;
  const leave = (toast) => {
    let timer = setTimeout(() => toast.remove(), TOAST_MS);
    const stay = () => clearTimeout(timer);
    const go = () => { clearTimeout(timer); timer = setTimeout(() => toast.remove(), TOAST_MS); };
    toast.addEventListener("mouseenter", stay);
    toast.addEventListener("focusin", stay);
    toast.addEventListener("mouseleave", go);
    toast.addEventListener("focusout", go);
  };
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const csrfToken = () => {
    try { return JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRF-Token"] || ""; }
    catch { return ""; }
  };
  const undoForm = (undo) => {
    const form = element("form", { method: "post", action: undo.action });
    const add = (name, value) => form.append(element("input", { type: "hidden", name, value }));
    add("csrf_token", csrfToken());
    for (const [name, value] of Object.entries(undo.fields || {})) {
      for (const one of [value].flat()) add(name, one);
    }
    form.append(element("button", { className: "button button-small", textContent: undo.label }));
    return form;
  };
  const showToast = ({ text, tone = "good", undo = null }) => {
    const toast = element("div", { className: tone === "good" ? "toast" : `toast toast-${tone}` });
    toast.append(element("p", { textContent: text }));
    if (undo) toast.append(undoForm(undo));
    const close = element("button", { type: "button", className: "button button-ghost button-small", textContent: texts.dismiss });
    close.dataset.dismiss = "";
    toast.append(close);
    toasts()?.replaceChildren(toast);
    leave(toast);
  };
  document.addEventListener("htmx:responseError", (event) => {
    const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const text = answer.querySelector(".state-text")?.textContent || answer.querySelector(".state-title")?.textContent;
    showToast({ text: text || texts.failed, tone: "bad" });
  });
  document.addEventListener("htmx:sendError", () => {
    showToast({ text: texts.unreachable, tone: "bad" });
  });
  document.addEventListener("htmx:afterSettle", (event) => refreshTimes(event.target));
  // What is asked for again and again is shown, and said by screen readers, when it is another.
  const answers = new Map();
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const asking = detail.requestConfig.elt;
    if (!asking.getAttribute("hx-trigger")?.startsWith("every ")) return;
    if (answers.get(asking.id) === detail.xhr.responseText) detail.shouldSwap = false;
    answers.set(asking.id, detail.xhr.responseText);
  });

  // --- Copying
  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const area = element("textarea", { value: button.dataset.copy, className: "visually-hidden" });
      (button.closest("dialog") || document.body).append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    showToast({ text: texts.copied });
  };

  // --- Menus: one is open at most, and none covers what has the focus
  const closeMenus = (isDone) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (isDone(menu)) menu.open = false;
  };
  document.addEventListener("focusin", (event) => closeMenus((menu) => !menu.contains(event.target)));

  // --- Clicks anywhere
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-copy], [data-open-dialog], [data-dismiss]");
    closeMenus((menu) => !menu.contains(event.target));
    if (!target) return;
    const menu = target.closest("details.menu");
    if (menu) {  // what follows gives the focus back, and cannot to what a closed menu hides
      menu.querySelector("summary").focus();
      menu.open = false;
    }
    if (target.dataset.copy !== undefined) copy(target);
    if (target.dataset.openDialog !== undefined) openDialog(target.dataset.openDialog);
    if (target.dataset.dismiss !== undefined) target.closest(".toast")?.remove();
  });
  document.addEventListener("change", (event) => {
    const choice = event.target;
    if (choice.dataset?.themeChoice !== undefined) {
      if (choice.value === "auto") delete root.dataset.theme;
      else root.dataset.theme = choice.value;
      writeCookie("hearback_theme", choice.value);
    }
    if (choice.dataset?.keysChoice !== undefined) writeCookie("hearback_keys", choice.checked ? "on" : "off");
    if (choice.dataset?.submitOnChange !== undefined) {
      if (choice.matches("select") && pressed && !["Enter", " "].includes(pressed)) unsent = choice;
      else send(choice);
    }
  });
  // A choice that is sent at once waits while keys step through it, until Enter or the next control.
  let pressed = "";  // the last key on such a choice
  let unsent = null;
  const send = (choice) => { unsent = null; choice.form?.requestSubmit(); };
  document.addEventListener("pointerdown", () => { pressed = ""; }, true);
  document.addEventListener("keydown", (event) => {
    pressed = event.target.dataset?.submitOnChange !== undefined ? event.key : "";
    if (event.key === "Enter" && unsent && event.target === unsent) { event.preventDefault(); send(unsent); }
  }, true);
  document.addEventListener("focusout", (event) => {
    pressed = "";
    if (unsent && event.target === unsent) send(unsent);
  });

  // --- A form is sent once, however often its button is pressed; one that comes back from the history may be sent again.
  const sending = new Set();
  const SENDING_MS = 10000;  // whoever stopped a slow one may send it again
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (sending.has(form)) { event.preventDefault(); return; }
    sending.add(form);
    setTimeout(() => sending.delete(form), SENDING_MS);
  });
  addEventListener("pageshow", () => sending.clear());

  // --- Dialogs
  const openDialog = (id) => {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    for (const choice of dialog.querySelectorAll("[data-keys-choice]")) choice.checked = hasKeys();
    dialog.showModal();
  };

  // --- Keys that every page has. Pages add theirs by `hearback.onKey`, and name them in the help.
  const handlers = new Map();
  const hasKeys = () => readCookie("hearback_keys") !== "off";
  const isTyping = (target) =>
    target.isContentEditable || (/^(input|textarea|select)$/i.test(target.tagName) && !/^(checkbox|radio|button|submit)$/.test(target.type));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) { event.preventDefault(); menu.open = false; menu.querySelector("summary").focus(); }
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!hasKeys() || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") { event.preventDefault(); openDialog("keyboard-help"); return; }
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select?.(); return; }
    }
    const handle = handlers.get(event.key);
    if (handle && handle(event) !== false) event.preventDefault();
  });

  window.hearback = { showToast, csrfToken, texts, onKey: (key, handle) => handlers.set(key, handle) };

  document.addEventListener("DOMContentLoaded", () => {
    refreshTimes(document);
    for (const toast of document.querySelectorAll(".toast")) leave(toast);
    const refused = document.querySelector("main [aria-invalid]") ?? document.querySelector("#problem");
    if (!document.querySelector("[autofocus]")) refused?.focus();
    setTimeout(() => {  // screen readers say only what comes after a page was read
      for (const text of document.querySelectorAll(".toast p")) text.textContent = text.textContent;
    }, 500);
  });
})();
