// What the page of a shop does with its SDK.
window.counts = {load: 0, close: 0};

// Chromium without a window draws no frames of a page that stands still, and tab capture and `canvas.toBlob`,
// both part of a screenshot, wait for frames (for 7 seconds, or for ever). So something on this page moves.
(function move(time) {
  document.querySelector('h1').style.opacity = 1 - (time % 2) / 10;
  requestAnimationFrame(move);
})(0);

window.start = function (sdk, dsn, options) {
  var common = {release: 'shop@1.2.3', environment: 'staging'};
  if (sdk === 'raven-js') SDK.config(dsn, common).install();
  else SDK.init(Object.assign({dsn: dsn}, common, options));
};

// Capture an error, as a shop would when its checkout fails; returns the event id.
window.fail = function () {
  document.getElementById('pay').focus();
  var error = new Error('Checkout failed');
  var id = SDK.captureException(error);
  return typeof id === 'string' ? id : SDK.lastEventId();
};

window.ask = function (options) {
  SDK.showReportDialog(Object.assign({
    onLoad: function () { window.counts.load += 1; },
    onClose: function () { window.counts.close += 1; }
  }, options));
};
