// What the "try it" page opens: the feedback widget of @sentry/browser, and nothing else of the SDK.
// Its bundle is committed as services/envelope-gateway/src/registry/static/sentry-widget.min.js; test_try_page.py
// says how it is built, and builds it again.
import { BrowserClient, defaultStackParser, feedbackSyncIntegration, getCurrentScope, makeFetchTransport } from "sentry-browser-11";

window.openSentryWidget = async (dsn, options, user) => {
  const client = new BrowserClient({ dsn, transport: makeFetchTransport, stackParser: defaultStackParser, integrations: [] });
  getCurrentScope().setClient(client);
  getCurrentScope().setUser(user);
  client.init();
  const feedback = feedbackSyncIntegration({ autoInject: false, ...options });
  client.addIntegration(feedback);
  const dialog = await feedback.createForm();
  dialog.appendToDom();
  dialog.open();
};
