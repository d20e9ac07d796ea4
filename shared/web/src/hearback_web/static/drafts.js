/* What was typed into a form that was not taken, since the session had ended or the answer was an error, is there
   again when its page is. Kept in this tab alone, without passwords, until the next page that is neither. */
(() => {
  "use strict";
  const KEPT = "hearback_draft";
  const UNKEPT = /^(hidden|password|file|submit|button)$/;
  const person = () => document.body.dataset.account || "";
  const fieldsOf = (form) =>
    [...form.elements].filter((one) => one.name && !UNKEPT.test(one.type) && one.dataset.submitOnChange === undefined);
  const write = (draft) => {
    try { sessionStorage.setItem(KEPT, JSON.stringify(draft)); } catch { /* then it is typed again */ }
  };
  const take = () => {
    try {
      const draft = JSON.parse(sessionStorage.getItem(KEPT) || "null");
      sessionStorage.removeItem(KEPT);
      return draft;
    } catch { return null; }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || !person()) return;
    const fields = fieldsOf(form).map((one) => [one.name, one.value, Boolean(one.checked)]);
    if (fields.length) write({ person: person(), action: form.action, fields, isRefused: false });
  });

  const restore = (form, fields) => {
    const left = [...fields];
    for (const one of fieldsOf(form)) {
      const isChoice = /^(checkbox|radio)$/.test(one.type);
      const at = left.findIndex(([name, value]) => name === one.name && (!isChoice || value === one.value));
      if (at < 0) continue;
      const [[, value, checked]] = left.splice(at, 1);
      if (isChoice) one.checked = checked;
      else one.value = value;
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    const draft = take();
    if (!draft) return;
    const isRefusal = location.pathname.startsWith("/auth/") || document.querySelector("main [data-refusal]");
    if (isRefusal) { write({ ...draft, isRefused: true }); return; }
    if (!draft.isRefused || draft.person !== person()) return;
    const form = [...document.forms].find((one) => one.method === "post" && one.action === draft.action);
    if (!form) return;
    restore(form, draft.fields);
    window.hearback.showToast({ text: window.hearback.texts.restored });
  });
})();
