/* The inbox beyond links and forms: keys, choosing several, live news, pictures, and which row is open.
   Texts come from the page; nothing here makes HTML from text. */
(() => {
  "use strict";
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const inbox = () => document.getElementById("inbox");
  const rows = () => $$("#rows > .fb-row");
  const opened = () => $("#detail .fb");
  const chosen = () => $$('.pick input:checked');
  const linkOf = (row) => $(".list-title", row);
  const isNarrow = () => matchMedia("(max-width: 900px)").matches;
  const canWrite = () => Boolean(inbox()?.dataset.canWrite);
  const current = () =>
    rows().find((row) => row.contains(document.activeElement)) || rows().find((row) => row.classList.contains("is-current"));

  // --- The open row
  const markOpen = () => {
    const id = opened()?.dataset.id;
    for (const row of rows()) {
      const is = row.dataset.id === id;
      row.classList.toggle("is-current", is);
      if (is) linkOf(row).setAttribute("aria-current", "true");
      else linkOf(row).removeAttribute("aria-current");
    }
    inbox()?.classList.toggle("shows-detail", Boolean(opened()) || Boolean($("#detail .state-bad")));
    markRead();
  };
  const post = (fields) => {
    const body = new URLSearchParams(fields);
    return fetch(`${inbox().dataset.base}change/`, {
      method: "POST", body, credentials: "same-origin",
      headers: { "X-CSRF-Token": window.hearback.csrfToken() },
    });
  };
  const markRead = async () => {
    const shown = opened();
    if (!shown || shown.dataset.seen || !canWrite() || keptUnread === shown.dataset.id) return;
    shown.dataset.seen = "1";
    const answer = await post({ action: "read", id: shown.dataset.id, quiet: "1" });
    if (!answer.ok) return;
    rows().find((row) => row.dataset.id === shown.dataset.id)?.classList.remove("is-unread");
    $(".fb-unread", shown)?.remove();
    const toggle = $('.fb-actions [data-act="read"]', shown);
    if (toggle) {
      const unread = $('#bulk [data-act="unread"]');
      toggle.value = toggle.dataset.act = "unread";
      if (unread) {
        toggle.replaceChildren(...[...unread.children].map((one) => one.cloneNode(true)));
        toggle.title = unread.title;
        toggle.setAttribute("aria-label", unread.getAttribute("aria-label"));
      }
    }
  };
  let keptUnread = null;  // the feedback that was just marked as unread

  // --- What is swapped: keep the place in the list, the focus, and what comes next
  let scrolled = 0;
  let fetched = null;
  let hadFocus = false;  // in what is swapped: then what is read next gets it, else keys and screen readers begin at the top
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, xhr } = event.detail;
    if (requestConfig.elt.id === "search-form" && xhr.responseText.includes('id="list-scroll"')) {
      event.detail.shouldSwap = true;  // also when it is refused: the list does not show what was searched for before
      event.detail.isError = false;
    }
    if (event.detail.target.id === "inbox") {
      hadFocus = Boolean(document.activeElement.closest("#inbox, #toasts"));
      scrolled = $("#list-scroll")?.scrollTop || 0;
      fetched = new URLSearchParams(location.search).get("cursor");
    }
  });
  document.addEventListener("htmx:afterSettle", () => {
    const place = $("#list-scroll");
    if (place && scrolled && new URLSearchParams(location.search).get("cursor") === fetched) place.scrollTop = scrolled;
    scrolled = 0;
    markOpen();
    if (hadFocus && document.activeElement === document.body) {
      const places = [opened() && $("#detail"), rows().length && linkOf(rows()[0]), $("#search")];
      places.find((one) => one && one.offsetParent)?.focus({ preventScroll: true });
    }
    hadFocus = false;
    countChosen();
    prepareSearch();
    prepareToasts();
    watch();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "detail") return;
    $("#detail").scrollTop = 0;
    if (isNarrow()) { scrollTo(0, 0); $("#detail").focus({ preventScroll: true }); }
  });

  document.addEventListener("htmx:configRequest", (event) => {  // addresses name only what is asked for
    if (event.detail.elt.id !== "search-form") return;
    for (const [name, value] of [...event.detail.formData.entries()]) if (value === "") event.detail.formData.delete(name);
  });

  // --- Undo in toasts stays on the page
  const prepareToasts = () => {
    for (const form of $$("#toasts form:not([hx-post])")) {
      const attributes = { "hx-post": form.getAttribute("action"), "hx-target": "#inbox", "hx-select": "#inbox",
        "hx-swap": "outerHTML", "hx-select-oob": "#toasts:innerHTML", "hx-replace-url": "true" };
      for (const [name, value] of Object.entries(attributes)) form.setAttribute(name, value);
      window.htmx?.process(form);
    }
    for (const toast of $$("#toasts .toast:not([data-leaves-at])")) {
      toast.dataset.leavesAt = String(Date.now() + 10000);
    }
  };
  setInterval(() => {
    for (const toast of $$("#toasts .toast[data-leaves-at]")) {
      const stays = toast.matches(":hover") || toast.contains(document.activeElement);
      if (!stays && Date.now() > Number(toast.dataset.leavesAt)) toast.remove();
    }
  }, 1000);

  // --- Leaving a mailbox leads to the next feedback
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button?.form) return;
    if (button.dataset.act === "unread") keptUnread = opened()?.dataset.id ?? null;
    const next = button.form.elements.next;
    if (button.form.id === "bulk" && next) {  // what is read stays open, unless it is one of those
      const id = opened()?.dataset.id;
      if (id && !chosen().some((box) => box.value === id)) next.value = location.pathname + location.search;
      return;
    }
    if (!button.dataset.leaves || !next) return;
    const mailbox = new URLSearchParams(location.search).get("mailbox") || "unresolved";
    const shown = opened();
    if (!shown || mailbox === "all" || shown.dataset.status !== mailbox) return;
    const all = rows();
    const at = all.findIndex((row) => row.dataset.id === shown.dataset.id);
    const to = at < 0 ? null : all[at + 1] || all[at - 1];
    const url = new URL(to && !isNarrow() ? linkOf(to).href : $(".fb-back", shown).href);
    next.value = url.pathname + url.search;
  });
  document.addEventListener("click", (event) => {
    const back = event.target.closest(".fb-back");
    if (!back || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const from = rows().find((row) => row.classList.contains("is-current"));
    inbox().classList.remove("shows-detail");
    history.replaceState({ htmx: true }, "");  // so that the browser's own buttons lead back and forth
    history.pushState({ htmx: true }, "", back.href);
    if (from) linkOf(from).focus();
  });

  // --- Choosing several
  const countChosen = () => {
    const count = chosen().length;
    const text = $("#pick-count");
    const all = $("#pick-all");
    const everything = $('#bulk [name="everything"]');
    if (all) {
      all.checked = count > 0 && count === rows().length;
      all.indeterminate = count > 0 && !all.checked;
      if (!all.checked && everything) everything.checked = false;
    }
    const matches = everything?.checked ? $('#tabs [aria-current] .tab-count')?.textContent : "";
    if (text) text.textContent = matches || (count ? String(count) : "");
  };
  let lastPicked = null;
  document.addEventListener("keydown", (event) => {  // Enter in the field for whom to assign to
    if (event.key !== "Enter" || event.target.id !== "bulk-assignee") return;
    event.preventDefault();
    $('#bulk [name="action"][value="assign"]').click();
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "pick-all") {
      for (const box of $$(".pick input")) box.checked = event.target.checked;
    }
    if (event.target.matches?.('#pick-all, #bulk [name="everything"], .pick input')) countChosen();
  });
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.(".pick input");
    if (!box) return;
    const boxes = $$(".pick input");
    if (event.shiftKey && lastPicked && boxes.includes(lastPicked)) {
      const [from, to] = [boxes.indexOf(lastPicked), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
      countChosen();
    }
    lastPicked = box;
  });

  // --- Keys
  const move = (step) => {
    const all = rows();
    if (!all.length) return false;
    const at = all.indexOf(current());
    const to = all[Math.min(Math.max(at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step, 0), all.length - 1)];
    linkOf(to).focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest" });
    if (!isNarrow()) openSoon(to);
    return true;
  };
  let opening = 0;
  const openSoon = (row) => {
    clearTimeout(opening);
    opening = setTimeout(() => { if (row.isConnected && row.dataset.id !== opened()?.dataset.id) linkOf(row).click(); }, 120);
  };
  const act = (...names) => {
    if (!canWrite()) return false;
    const within = chosen().length ? $("#bulk") : opened() && (!isNarrow() || inbox().classList.contains("shows-detail")) ? $("#detail .fb-actions") : null;
    if (within) {
      const button = names.map((name) => $(`[data-act="${name}"]`, within)).find(Boolean);
      button?.click();
      return Boolean(button);
    }
    const row = current();
    const box = row && $(".pick input", row);
    if (!box) return false;
    box.checked = true;
    const button = names.map((name) => $(`#bulk [data-act="${name}"]`)).find(Boolean);
    button?.click();
    return Boolean(button);
  };
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    Enter: (event) => {
      if (event.target.closest("a, button, summary") && !event.target.closest(".list-title")) return false;
      const row = current();
      if (!row) return false;
      if (row.dataset.id !== opened()?.dataset.id || isNarrow()) { linkOf(row).click(); return true; }
      $("#detail").focus();
      return true;
    },
    e: () => act("resolve", "unresolve"),
    s: () => act("spam", "unresolve"),
    u: () => act("unread", "read"),
    x: () => {
      const box = current() && $(".pick input", current());
      if (!box) return false;
      box.checked = !box.checked;
      countChosen();
      return true;
    },
    a: () => {
      if (chosen().length) {
        const menu = $("#bulk details.menu");
        menu.open = true;
        $("#bulk-assignee").focus();
        return true;
      }
      const select = $("#assignee");
      select?.focus();
      if (select?.matches("input")) select.select();
      try { select?.showPicker(); } catch { /* not every browser opens it */ }
      return Boolean(select);
    },
    z: () => { const button = $("#toasts form button"); button?.click(); return Boolean(button); },
  };
  for (const [key, handle] of Object.entries(keys)) window.hearback.onKey(key, handle);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || $("dialog[open]") || event.defaultPrevented) return;  // else it closed a menu
    if (event.target.id === "search") { event.target.blur(); return; }
    if (chosen().length) {
      if ($("#bulk").contains(document.activeElement)) chosen()[0].focus();  // the bar is about to go
      for (const box of chosen()) box.checked = false;
      countChosen();
      return;
    }
    if (isNarrow() && inbox()?.classList.contains("shows-detail")) $(".fb-back")?.click();
    else if ($("#detail").contains(document.activeElement)) { const row = current(); if (row) linkOf(row).focus(); }
  });

  // --- Live news: counted by the server, shown in a bar over the list, which nothing moves
  let source = null;
  let heard = new Set();
  let missed = false;
  let asking = 0;
  let following = false;  // whether all that happens is heard
  const showNews = (text) => {
    const bar = document.getElementById("news");
    if (!bar) return;
    bar.textContent = text;
    bar.hidden = false;
  };
  const later = () => 3000 + Math.random() * 3000;  // what was refused is asked once more: many pages may ask at once
  const ask = async (isLast) => {
    asking = 0;
    window.htmx?.trigger("#tabs", "recount");
    if (missed) { showNews(inbox().dataset.some); return; }
    if (!heard.size) return;
    const parameters = new URLSearchParams(location.search);
    for (const name of ["cursor", "feedbackSlug", "more"]) parameters.delete(name);
    for (const id of [...heard].slice(-200)) parameters.append("id", id);
    try {
      const answer = await fetch(`${inbox().dataset.base}news/?${parameters}`, { credentials: "same-origin" });
      if (!answer.ok) throw answer;
      const { count } = await answer.json();
      if (count) showNews(count === 1 ? inbox().dataset.one : inbox().dataset.many.replace("{}", count));
    } catch { if (!isLast) soon(later(), true); }
  };
  const soon = (pause = 500 + Math.random() * 1000, isLast = false) => {
    if (!asking) asking = setTimeout(ask, pause, isLast);
  };
  const hear = (ids) => {
    const listed = new Set(rows().map((row) => row.dataset.id));
    for (const id of ids) if (!listed.has(id)) heard.add(id);
  };
  const connect = () => {
    if (source || document.hidden || !inbox()) return;
    source = new EventSource(`${inbox().dataset.base}live/`);
    source.addEventListener("created", (event) => {
      hear([JSON.parse(event.data).id]);
      soon();
    });
    source.addEventListener("changed", () => soon());
    source.addEventListener("attached", (event) => {
      const name = JSON.parse(event.data).event;
      arrived.set(name, Date.now());
      if (arrived.size > 200) arrived.delete(arrived.keys().next().value);
      expectFile(name);
      if (bareRow(name)) { bare.add(name); lookForIcons(0); }
    });
    source.addEventListener("error", () => {  // it comes back by itself, unless it was refused: too many are open
      if (source?.readyState !== EventSource.CLOSED) return;
      disconnect();
      setTimeout(connect, 30000 + Math.random() * 30000);
    });
    source.addEventListener("missed", () => { missed = true; soon(); });
    source.addEventListener("following", () => {  // again: the server was started, and all pages come back at once
      catchUpIn(following ? Math.random() * 2000 : 0);
      following = true;
    });
  };
  // What came after the page was read, and before anything was listening for it.
  let catching = 0;
  const catchUpIn = (pause, isLast = false) => {
    clearTimeout(catching);
    catching = setTimeout(catchUp, pause, isLast);
  };
  const catchUp = async (isLast) => {
    const bar = document.getElementById("news");
    if (bar?.dataset.after) {
      const parameters = new URLSearchParams({ after: bar.dataset.after, since: bar.dataset.since });
      try {
        const answer = await fetch(`${inbox().dataset.base}newer/?${parameters}`, { credentials: "same-origin" });
        if (!answer.ok) throw answer;
        const { ids, more } = await answer.json();
        if (bar !== document.getElementById("news")) return;  // the list that was read meanwhile catches up itself
        hear(ids);
        missed ||= more;
        if (heard.size || more) soon();
      } catch { if (!isLast) catchUpIn(later(), true); return; }
    }
    const without = rows().filter((row) => !$(".has-files", row));
    markFiles(without);
    for (const row of without) bare.add(row.dataset.event);
    if (without.length) lookForIcons(2);  // one that was announced before is about to be recorded
    if (opened() && !filesShown()) expectFile(opened().dataset.event);
  };
  // A file came in: it is about to be recorded, so that it is looked for a few times.
  const FILE_PAUSES = [400, 1500, 5000, 15000];
  const bareRow = (event) => rows().find((row) => row.dataset.event === event && !$(".has-files", row));
  const bare = new Set();  // events in the list that are about to have their first file
  let looking = 0;
  const lookForIcons = (turn) => {
    clearTimeout(looking);
    looking = setTimeout(async () => {
      const waiting = [...bare].map(bareRow).filter(Boolean);
      await markFiles(waiting);
      if (waiting.length && turn + 1 < FILE_PAUSES.length) lookForIcons(turn + 1);
      else bare.clear();
    }, FILE_PAUSES[turn]);
  };
  const markFiles = async (waiting) => {
    if (!waiting.length) return;
    const parameters = new URLSearchParams(waiting.map((row) => ["id", row.dataset.id]));
    try {
      const answer = await fetch(`${inbox().dataset.base}attached/?${parameters}`, { credentials: "same-origin" });
      const { ids } = answer.ok ? await answer.json() : { ids: [] };
      for (const row of rows()) {
        if (!ids.includes(row.dataset.id) || $(".has-files", row)) continue;
        const end = $(".list-meta > .meta-end", row);
        const icon = $("#attached-icon").content.cloneNode(true);
        if (end) end.before(icon);
        else $(".list-meta", row).append(icon);
      }
    } catch { /* looked for again, or shown by the next list */ }
  };
  const arrived = new Map();  // when files of an event came in: it may be opened before they are recorded
  const filesShown = () => $$("#files .shot, #files .file").length;
  const NO_FILE = { event: "", count: 0 };
  let expected = NO_FILE;
  let looksForFiles = 0;  // one at a time, as one feedback is open
  const expectFile = (event) => {
    if (opened()?.dataset.event !== event) return;
    const isSame = expected.event === event && expected.count > filesShown();
    expected = { event, count: (isSame ? expected.count : filesShown()) + 1 };
    if (!isSame) lookForFiles(0);
  };
  const lookForFiles = (turn) => {
    clearTimeout(looksForFiles);
    looksForFiles = setTimeout(() => {
      const isOpen = opened()?.dataset.event === expected.event;
      if (!isOpen || filesShown() >= expected.count) { expected = NO_FILE; return; }
      window.htmx?.trigger("#files", "arrived");
      if (turn + 1 < FILE_PAUSES.length) lookForFiles(turn + 1);
      else expected = NO_FILE;
    }, FILE_PAUSES[turn]);
  };
  const disconnect = () => { source?.close(); source = null; following = false; };
  const watch = () => {  // a list that was just read has everything so far
    const bar = document.getElementById("news");
    if (bar && bar.hidden && bar !== watched) {
      heard = new Set();
      missed = false;
      if (following) catchUpIn(0);
    }
    watched = bar;
    const event = opened()?.dataset.event;
    const isRecent = Date.now() - arrived.get(event) < FILE_PAUSES.at(-1);
    if (isRecent && !filesShown() && expected.event !== event) expectFile(event);
    connect();
  };
  let watched = null;
  let hiddenAt = 0;
  document.addEventListener("visibilitychange", () => {  // browsers allow a site few connections for all its tabs
    if (document.hidden) { hiddenAt = Date.now(); disconnect(); return; }
    connect();
    if (hiddenAt && Date.now() - hiddenAt > 2000) window.htmx?.trigger("#tabs", "recount");
  });
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);

  // --- Pictures
  const viewer = () => document.getElementById("viewer");
  let shots = [];
  let shot = 0;
  let zoom = 0;  // 0: as large as fits
  const ZOOMS = [0, 1, 1.5, 2, 3, 4];
  const showZoom = () => {
    const image = $("#viewer-image");
    image.classList.toggle("is-zoomed", ZOOMS[zoom] > 0);
    image.style.width = ZOOMS[zoom] ? `${image.naturalWidth * ZOOMS[zoom]}px` : "";
    const part = image.naturalWidth ? image.getBoundingClientRect().width / image.naturalWidth : 1;
    $("#viewer-zoom").textContent = `${Math.round(100 * part)} %`;
  };
  const showShot = (index) => {
    shot = (index + shots.length) % shots.length;
    zoom = 0;
    const link = shots[shot];
    const image = $("#viewer-image");
    image.onload = showZoom;
    image.src = link.dataset.shot;
    image.alt = link.dataset.alt;
    $("#viewer-name").textContent = link.dataset.alt;
    $("#viewer-download").href = link.dataset.shot;
    viewer().classList.toggle("is-single", shots.length < 2);
  };
  const zoomBy = (step) => { zoom = Math.min(Math.max(zoom + step, 0), ZOOMS.length - 1); showZoom(); };
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".shot");
    if (link && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      shots = $$("#detail .shot");
      viewer().showModal();
      showShot(shots.indexOf(link));
      return;
    }
    if (event.target.id === "viewer-image") { zoom = zoom ? 0 : ZOOMS.indexOf(2); showZoom(); return; }
    if (event.target.id === "viewer" || event.target.id === "viewer-place") { viewer().close(); return; }
    const step = { previous: () => showShot(shot - 1), next: () => showShot(shot + 1), in: () => zoomBy(1), out: () => zoomBy(-1) };
    step[event.target.closest("[data-viewer]")?.dataset.viewer]?.();
  });
  document.addEventListener("keydown", (event) => {
    if (!viewer()?.open) return;
    const step = { ArrowLeft: () => showShot(shot - 1), ArrowRight: () => showShot(shot + 1), "+": () => zoomBy(1), "-": () => zoomBy(-1) };
    if (step[event.key] && !(zoom && event.key.startsWith("Arrow"))) { event.preventDefault(); step[event.key](); }
  });

  // --- Suggestions for the term that is being typed
  const prepareSearch = () => {
    const input = document.getElementById("search");
    if (!input || input.getAttribute("role") === "combobox") return;
    const list = document.createElement("ul");
    list.id = "suggestions";
    list.className = "suggestions";
    list.setAttribute("role", "listbox");
    list.tabIndex = -1;  // what scrolls would be a stop of its own
    list.setAttribute("aria-label", input.getAttribute("aria-label"));
    list.hidden = true;
    input.after(list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": "suggestions", "aria-autocomplete": "list" })) input.setAttribute(name, value);
    let selected = -1;
    let asked = 0;
    const term = () => {
      const before = input.value.slice(0, input.selectionStart ?? input.value.length);
      const start = Math.max(before.lastIndexOf(" "), -1) + 1;
      return { start, text: before.slice(start), end: before.length };
    };
    const close = () => { list.hidden = true; selected = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
    const select = (index) => {
      const options = [...list.children];
      selected = options.length ? (index + options.length) % options.length : -1;
      options.forEach((option, at) => option.setAttribute("aria-selected", String(at === selected)));
      if (selected < 0) return;
      input.setAttribute("aria-activedescendant", options[selected].id);
      options[selected].scrollIntoView({ block: "nearest" });
    };
    const take = (text) => {
      const { start, end } = term();
      const isWhole = !text.endsWith(":");
      input.value = input.value.slice(0, start) + text + (isWhole ? " " : "") + input.value.slice(end).trimStart();
      const at = start + text.length + (isWhole ? 1 : 0);
      input.setSelectionRange(at, at);
      close();
      input.focus();
      if (!isWhole) suggest();
    };
    const suggest = async () => {
      const question = ++asked;
      const { text } = term();
      try {
        const answer = await fetch(`${inbox().dataset.base}suggestions/?${new URLSearchParams({ text: text.slice(0, 200) })}`, { credentials: "same-origin" });
        const { suggestions } = answer.ok ? await answer.json() : { suggestions: [] };
        if (question !== asked || document.activeElement !== input) return;
        const shown = suggestions.filter((one) => one !== text);
        list.replaceChildren(...shown.map((one, at) => {
          const option = document.createElement("li");
          option.id = `suggestion-${at}`;
          option.setAttribute("role", "option");
          option.setAttribute("aria-selected", "false");
          option.textContent = one;
          option.addEventListener("mousedown", (event) => { event.preventDefault(); take(one); });
          return option;
        }));
        selected = -1;
        list.hidden = !shown.length;
        input.setAttribute("aria-expanded", String(!list.hidden));
      } catch { close(); }
    };
    let timer = 0;
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(suggest, 120); });
    input.addEventListener("focus", () => { if (!input.value) suggest(); });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (list.hidden) { if (event.key === "ArrowDown") { event.preventDefault(); suggest(); } return; }
      if (event.key === "ArrowDown") { event.preventDefault(); select(selected + 1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); select(selected - 1); }
      else if ((event.key === "Enter" || event.key === "Tab") && selected >= 0) { event.preventDefault(); take(list.children[selected].textContent); }
      else if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(); }
      else if (event.key === "Enter") close();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    markOpen();
    countChosen();
    prepareSearch();
    prepareToasts();
    watch();
    rows().find((row) => row.classList.contains("is-current"))?.scrollIntoView({ block: "nearest" });
  });
})();
