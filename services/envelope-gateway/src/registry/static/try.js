// Opens the real widget and the real dialog, and sends a real envelope from this browser to the project's DSN.
(() => {
  "use strict";
  const hexId = () => crypto.randomUUID?.().replaceAll("-", "")
    ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const line = (value) => `${JSON.stringify(value)}\n`;

  const send = async (form, id, ...parts) => {
    const header = line({ event_id: id, sent_at: new Date().toISOString(), dsn: form.dataset.dsn });
    const address = `${form.dataset.endpoint}?sentry_key=${encodeURIComponent(form.dataset.key)}`;
    const answer = await fetch(address, { method: "POST", body: new Blob([header, ...parts]), credentials: "omit" });
    if (answer.ok) return;
    const said = (await answer.json().catch(() => ({}))).detail || "";
    const reasons = Object.entries(JSON.parse(form.closest("[data-reasons]").dataset.reasons));
    const known = reasons.find(([mark]) => `${answer.status} ${said}`.includes(mark));
    throw new Error(known?.[1] || said || `${answer.status}`);
  };

  const feedback = (form, id) => {
    const fields = new FormData(form);
    const event = {
      event_id: id, type: "feedback", level: "info", timestamp: Date.now() / 1000, platform: "javascript",
      request: { url: location.href, headers: { "User-Agent": navigator.userAgent } },
      contexts: { feedback: {
        message: fields.get("message"), name: fields.get("name"), contact_email: fields.get("email"),
        url: location.href, source: "widget",
      } },
    };
    const parts = [line({ type: "feedback" }), line(event)];
    const shot = fields.get("screenshot");
    if (shot && shot.size) {
      parts.push(line({ type: "attachment", length: shot.size, filename: shot.name, content_type: shot.type }), shot);
    }
    return send(form, id, ...parts);
  };

  const crash = async (form, id) => {
    const value = "This error was caused on purpose, to try the dialog";
    await send(form, id, line({ type: "event" }), line({
      event_id: id, level: "error", timestamp: Date.now() / 1000, platform: "javascript",
      request: { url: location.href, headers: { "User-Agent": navigator.userAgent } },
      exception: { values: [{ type: "Error", value }] },
    }));
    const script = document.createElement("script");
    script.src = `/api/embed/error-page/?eventId=${id}&dsn=${encodeURIComponent(form.dataset.dsn)}`;
    document.head.append(script);
  };

  const load = (address) => new Promise((resolve, reject) => {
    if (window.openSentryWidget) { resolve(); return; }
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error(address));
    document.head.append(script);
  });

  const widget = async (form) => {
    const { script, nonce, key, project, name, email } = form.dataset;
    await load(script);
    await window.openSentryWidget(`${location.protocol}//${key}@${location.host}/${project}`, {
      colorScheme: document.documentElement.dataset.theme || "system",
      styleNonce: nonce, scriptNonce: nonce,
      useSentryUser: { name: "name", email: "email" }, tags: { page: "try" },
    }, { name, email });
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-try]");
    if (!form) return;
    event.preventDefault();
    const result = form.querySelector("[data-result]");
    try {
      await { feedback, crash, widget }[form.dataset.try](form, hexId());
      result.textContent = form.dataset.sent;
      if (form.dataset.try === "feedback") form.querySelector("textarea").value = "";
    } catch (error) {
      result.textContent = `${form.dataset.failed} ${error.message}`;
    }
  });
})();
