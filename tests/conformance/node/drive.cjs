// Drives one SDK through one scenario against a DSN and prints what it did as one JSON line.
// usage: node drive.cjs PACKAGE DSN SCENARIO
const [, , packageName, dsn, scenario] = process.argv;
const Sentry = require(packageName);

const options = {
  dsn,
  release: "shop@1.2.3",
  environment: "staging",
  defaultIntegrations: false,
  integrations: [],
};

class CheckoutError extends Error {
  get name() {
    return "CheckoutError";
  }
}

function scopeData() {
  Sentry.setUser({ id: "u-17", email: "jane@example.com", username: "jane", ip_address: "192.0.2.7", segment: "gold" });
  Sentry.setTag("flavour", "vanilla");
}

// Everything else that an SDK can say about a feedback.
function moreScopeData() {
  const scope = Sentry.getCurrentScope();
  scope.setLevel("warning");
  scope.setContext("cart", { items: 3, currency: "EUR", nested: { discount: null, codes: ["A", "B"] } });
  scope.setExtra("attempt", 2);
  scope.addBreadcrumb({ category: "ui.click", message: "checkout", level: "info", data: { button: "pay" } });
  scope.addEventProcessor((event) => ({
    ...event,
    request: { url: "https://shop.example.com/cart?step=2", method: "GET", headers: { "User-Agent": "Shop/1.0" } },
  }));
  // As the SDK's own replay integration does in a browser.
  Sentry.getClient().on("beforeSendFeedback", (event) => {
    event.contexts.feedback.replay_id = "a1".repeat(16);
  });
}

const scenarios = {
  async feedback() {
    Sentry.init({ ...options, dist: "42" });
    scopeData();
    const associated = Sentry.captureException(new CheckoutError("the cart broke"));
    moreScopeData();
    const screenshot = { filename: "screenshot.png", data: new Uint8Array([137, 80, 78, 71, 10, 0, 255]) };
    const feedback = Sentry.captureFeedback(
      {
        message: "The checkout button does nothing",
        name: "Jane Doe",
        email: "jane.contact@example.com",
        url: "https://shop.example.com/cart",
        source: "conformance",
        associatedEventId: associated,
        tags: { basket: "full" },
      },
      {
        attachments: [
          { ...screenshot, contentType: "application/png" },
          { filename: "notes.txt", data: "clicked\ntwice", contentType: "text/plain", attachmentType: "event.view_hierarchy" },
        ],
      },
    );
    return { feedback, associated };
  },

  async user_report() {
    Sentry.init(options);
    scopeData();
    const event = Sentry.captureException(new CheckoutError("the cart broke"));
    const report = {
      event_id: event,
      name: "Jane Doe",
      email: "jane.contact@example.com",
      comments: "It broke when I paid",
    };
    if (Sentry.captureUserFeedback) Sentry.captureUserFeedback(report);
    // Node's own function came and went: without it users hand the item to the transport.
    else await Sentry.getClient().getTransport().send([{ event_id: event }, [[{ type: "user_report" }, report]]]);
    return { event };
  },

  async sample_rate() {
    Sentry.init({ ...options, sampleRate: 0 });
    for (let n = 0; n < 5; n += 1) Sentry.captureException(new CheckoutError(`sampled ${n}`));
    return { reason: "sample_rate", category: "error", quantity: 5 };
  },

  async before_send() {
    Sentry.init({ ...options, beforeSend: () => null });
    for (let n = 0; n < 4; n += 1) Sentry.captureException(new CheckoutError(`unwanted ${n}`));
    return { reason: "before_send", category: "error", quantity: 4 };
  },

  async event_processor() {
    Sentry.init(options);
    (Sentry.getGlobalScope ? Sentry.getGlobalScope() : Sentry).addEventProcessor(() => null);
    for (let n = 0; n < 3; n += 1) Sentry.captureException(new CheckoutError(`processed ${n}`));
    return { reason: "event_processor", category: "error", quantity: 3 };
  },

  async network_error() {
    Sentry.init(options);
    for (let n = 0; n < 3; n += 1) {
      Sentry.captureException(new CheckoutError(`cut ${n}`));
      await Sentry.flush(2000);
    }
    return { reason: "network_error", category: "error", quantity: 3 };
  },

  async queue_overflow() {
    Sentry.init({ ...options, transportOptions: { bufferSize: 1 } });
    for (let n = 0; n < 50; n += 1) Sentry.captureException(new CheckoutError(`crowd ${n}`));
    // The SDK gives up a client report that finds its queue full, and with it the counts: so the queue empties first.
    await Sentry.getClient().getTransport().flush(10000);
    return { reason: "queue_overflow", category: "error", sent: 50 };
  },

  async rate_limited() {
    Sentry.init(options);
    Sentry.captureException(new CheckoutError("asked to stop"));
    await Sentry.flush(5000);
    for (let n = 0; n < 6; n += 1) Sentry.captureException(new CheckoutError(`held back ${n}`));
    return { reason: "ratelimit_backoff", category: "error", quantity: 6 };
  },
};

(async () => {
  const result = await scenarios[scenario]();
  await Sentry.flush(10000);
  await Sentry.close(10000);
  process.stdout.write(`${JSON.stringify(result)}\n`);
})();
