(function (window, document) {
'use strict';
// Everything up to the values at the end is the same in every answer.
var css = {{ css }};
var CLOSED = '__sentry_reportdialog_closed__';
var FIELDS = ['name', 'email', 'comments'];
var TIMEOUT_MS = 30000;
var config = window.sentryConfig || {};
var script = document.currentScript;
var page = config.parent && config.parent.ownerDocument || document;

function element(tag, attributes, children) {
  var node = page.createElement(tag);
  Object.keys(attributes || {}).forEach(function (name) {
    var value = attributes[name];
    if (value !== false && value != null) node.setAttribute(name, value === true ? '' : value);
  });
  // Strings become text nodes: nothing here is ever parsed as markup.
  (children || []).forEach(function (child) {
    if (child) node.appendChild(typeof child === 'string' ? page.createTextNode(child) : child);
  });
  return node;
}

function addStyle(root, nonce) {
  try {
    // A constructed sheet needs no permission of a Content-Security-Policy.
    var sheet = new page.defaultView.CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } catch (error) {
    var style = element('style', {nonce: nonce}, [css]);
    root.insertBefore(style, root.firstChild);
  }
}

function deepFocus() {
  var active = page.activeElement;
  while (active && active.shadowRoot && active.shadowRoot.activeElement) active = active.shadowRoot.activeElement;
  return active;
}

function whenReady(run) {
  if (page.readyState !== 'loading') run();
  else page.addEventListener('DOMContentLoaded', run, {once: true});
}

// The form goes to where this script came from: only the browser knows the address behind all proxies.
// A script that was not loaded by its address uses the configured one; a page on https may not post to http.
function addressOf(endpoint) {
  var source = script && script.src || '';
  if (/^https?:/i.test(source)) return source.split('#')[0];
  return window.location.protocol === 'https:' ? endpoint.replace(/^http:/, 'https:') : endpoint;
}

function Embed(endpoint, strings, options) {
  var address = addressOf(endpoint);
  var embed = this;
  var fields = {};
  var before, openedAt, sending, pressedInside;
  var wrapper = element('div', {'class': 'sentry-error-embed-wrapper'});
  var root = wrapper.attachShadow ? wrapper.attachShadow({mode: 'open'}) : wrapper;
  // The honeypot: no person sees it, and no password manager knows what to put there.
  var trap = element('input', {name: 'homepage', type: 'text', tabindex: '-1', autocomplete: 'off', 'aria-label': 'homepage'});
  var submit = element('button', {type: 'submit'}, [strings.labelSubmit]);
  var close = element('button', {type: 'button', 'class': 'close'}, [strings.labelClose]);
  var failed = element('p', {'class': 'message failed', role: 'alert'});
  var sent = element('p', {'class': 'message sent', role: 'status', id: 'sent'});
  var intro = element('div', {id: 'intro'}, [
    element('p', {dir: 'auto'}, [strings.subtitle]),
    element('p', {dir: 'auto'}, [strings.subtitle2])
  ]);
  var content = element('div', {'class': 'fields'}, FIELDS.map(field).concat(element('div', {hidden: true}, [trap])));
  var form = element('form', {novalidate: true}, [
    content, failed, sent,
    element('footer', {}, [submit, close, options.branding && element('p', {'class': 'branding'}, [strings.branding])])
  ]);
  var dialog = element('dialog', {
    'class': 'sentry-error-embed', role: 'dialog', 'aria-modal': 'true', 'aria-labelledby': 'title',
    'aria-describedby': 'intro', lang: options.lang, dir: options.dir
  }, [element('div', {'class': 'panel'}, [
    element('header', {}, [element('h2', {id: 'title', dir: 'auto'}, [strings.title]), intro]), form
  ])]);

  function field(name) {
    var rule = options.fields[name];
    if (rule === 'hidden') return null;
    var long = name === 'comments';
    var input = element(long ? 'textarea' : 'input', {
      id: 'field-' + name, name: name, type: long ? null : name === 'email' ? 'email' : 'text', dir: options.dir === 'rtl' ? null : 'auto',
      rows: long && '5', placeholder: strings[{name: 'placeholderName', email: 'placeholderEmail', comments: 'placeholderComments'}[name]],
      autocomplete: long ? 'off' : name, required: rule === 'required', 'aria-describedby': 'error-' + name
    });
    if (!long) input.value = options[name] || '';
    var error = element('p', {id: 'error-' + name, 'class': 'error'});
    var label = element('label', {'for': input.id}, [
      strings[{name: 'labelName', email: 'labelEmail', comments: 'labelComments'}[name]],
      rule === 'optional' && element('span', {}, [' (' + strings.optional + ')'])
    ]);
    var both = options.fields.name !== 'hidden' && options.fields.email !== 'hidden';
    var box = element('div', {'class': !long && both ? 'field half' : 'field'}, [label, input, error]);
    fields[name] = {box: box, input: input, error: error};
    return box;
  }

  function explain(name, message) {
    // The server's messages are English and part of its interface: known ones are said in the page's language.
    var number = /at most (\d+)/.exec(message);
    if (/required/.test(message)) return strings.fieldRequired;
    if (name === 'email' && /valid email/.test(message)) return strings.fieldEmail;
    return number ? strings.fieldLong.replace('{max}', number[1]) : strings.fieldInvalid;
  }

  function mark(errors) {
    var first;
    Object.keys(fields).forEach(function (name) {
      var messages = errors[name] || [];
      var part = fields[name];
      part.error.textContent = messages.length ? explain(name, String(messages[0])) : '';
      part.box.classList.toggle('form-errors', messages.length > 0);
      if (messages.length) part.input.setAttribute('aria-invalid', 'true');
      else part.input.removeAttribute('aria-invalid');
      if (messages.length && !first) first = part.input;
    });
    return first;
  }

  function setSending(value) {
    sending = value;
    submit.textContent = value ? strings.sending : strings.labelSubmit;
    if (value) submit.setAttribute('aria-disabled', 'true');
    else submit.removeAttribute('aria-disabled');
    form.setAttribute('aria-busy', String(value));
  }

  function fail(errors, message) {
    setSending(false);
    var first = mark(errors || {});
    failed.textContent = first ? strings.errorFormEntry : message || strings.errorGeneric;
    if (first) first.focus();
  }

  function succeed() {
    content.remove();
    intro.remove();
    submit.remove();
    dialog.setAttribute('aria-describedby', 'sent');
    sent.textContent = strings.successMessage;
    form.setAttribute('aria-busy', 'false');
    if (dialog.isConnected) close.focus();
  }

  function answered(request) {
    if (request.status === 200) return succeed();
    var errors;
    try {
      errors = request.status === 400 && JSON.parse(request.responseText).errors;
    } catch (error) { /* not ours: the general message will do */ }
    fail(errors, (request.status === 429 || request.status > 501) && strings.errorBusy);
  }

  function encoded() {
    var pairs = Object.keys(fields).map(function (name) { return [name, fields[name].input.value]; });
    pairs.push([trap.name, trap.value], ['elapsed', String(Date.now() - openedAt)]);
    return pairs.map(function (pair) { return pair[0] + '=' + encodeURIComponent(pair[1].toWellFormed ? pair[1].toWellFormed() : pair[1]); }).join('&');
  }

  function send() {
    if (sending || !submit.isConnected) return;
    setSending(true);
    failed.textContent = '';
    mark({});
    try {
      var request = new XMLHttpRequest();
      request.open('POST', address);
      request.timeout = TIMEOUT_MS;
      request.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded');
      request.onload = function () { answered(request); };
      request.onerror = request.ontimeout = request.onabort = function () { fail(); };
      request.send(encoded());
    } catch (error) {
      fail();
    }
  }

  function shut() {
    if (!wrapper.isConnected) return;
    if (dialog.open && dialog.close) dialog.close();
    wrapper.remove();
    if (before && before.isConnected && before.focus) before.focus({preventScroll: true});
    window.postMessage(CLOSED, '*');
  }

  function keepInside(event) {
    var stops = Array.prototype.filter.call(dialog.querySelectorAll('input, textarea, button'), function (node) {
      return node.tabIndex >= 0 && node.getClientRects().length > 0;
    });
    var last = stops.length - 1;
    var at = stops.indexOf((root.activeElement || page.activeElement));
    if (event.shiftKey ? at <= 0 : at < 0 || at === last) {
      event.preventDefault();
      stops[event.shiftKey ? last : 0].focus();
    }
  }

  function onKey(event) {
    // The page's own shortcuts are not for what is typed here.
    event.stopPropagation();
    if (event.type !== 'keydown' || event.isComposing) return;
    if (event.key === 'Tab') keepInside(event);
    if (event.key === 'Escape') {
      event.preventDefault();
      shut();
    }
  }

  function paint(dark) {
    dialog.setAttribute('data-theme', dark ? 'dark' : 'light');
  }

  function addTheme() {
    var prefers = window.matchMedia && window.matchMedia('(prefers-color-scheme: dark)');
    paint(options.theme === 'dark' || options.theme === 'auto' && prefers && prefers.matches);
    if (options.theme === 'auto' && prefers && prefers.addEventListener) {
      prefers.addEventListener('change', function (event) { paint(event.matches); });
    }
    if (options.accent) {
      dialog.style.setProperty('--project-accent', options.accent);
      dialog.style.setProperty('--project-accent-ink', options.ink);
    }
  }

  function attach(parent) {
    if (wrapper.isConnected) return;
    before = deepFocus();
    openedAt = Date.now();
    (parent || page.body || page.documentElement).appendChild(wrapper);
    try {
      dialog.showModal();
    } catch (error) {
      dialog.setAttribute('open', '');
    }
    var empty = Object.keys(fields).filter(function (name) { return !fields[name].input.value; })[0];
    fields[empty || 'comments'].input.focus();
  }

  // A frame that is sandboxed without `allow-forms` submits no form, but its buttons are pressed, by Enter in a field, too.
  submit.addEventListener('click', function (event) {
    event.preventDefault();
    send();
  });
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    send();
  });
  close.addEventListener('click', shut);
  dialog.addEventListener('cancel', function (event) {
    event.preventDefault();
    shut();
  });
  wrapper.addEventListener('mousedown', function (event) { pressedInside = !outside(event); });
  wrapper.addEventListener('click', function (event) {
    // A selection that was begun inside and ends outside closes nothing.
    if (outside(event) && !pressedInside) shut();
    pressedInside = false;
  });
  function outside(event) {
    var target = (event.composedPath ? event.composedPath() : [event.target])[0];
    return target === dialog || target === wrapper;
  }
  ['keydown', 'keyup', 'keypress'].forEach(function (type) { dialog.addEventListener(type, onKey); });
  ['focusin', 'focusout'].forEach(function (type) {
    dialog.addEventListener(type, function (event) { event.stopPropagation(); });
  });
  addTheme();
  root.appendChild(dialog);
  addStyle(root, options.nonce || script && script.nonce);
  Object.assign(embed, {element: wrapper, endpoint: address, attach: attach, close: shut, submit: send});
  wrapper.sentryEmbed = embed;
}

function show(endpoint, strings, options) {
  var embed = new Embed(endpoint, strings, options);
  // Asked twice for one event, the dialog that is open stays, with what was typed.
  Array.prototype.forEach.call(page.querySelectorAll('.sentry-error-embed-wrapper'), function (node) {
    if (node.sentryEmbed && node.sentryEmbed.endpoint === embed.endpoint) embed = node.sentryEmbed;
  });
  if (config.attachOnLoad !== false) whenReady(function () { embed.attach(config.parent); });
  if (typeof window.sentryEmbedCallback === 'function') window.sentryEmbedCallback(embed);
}
