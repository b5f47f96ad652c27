// The live half: one event stream; what changed is fetched as a fragment and put in place.
// Everything here is a convenience: without it every page works by forms and reloads.
"use strict";
const $ = (id) => document.getElementById(id);
const all = (what, within = document) => [...within.querySelectorAll(what)];

const Live = {
  stream: null,
  opened: false,
  wait: 1000,
  waiting: new Map(),
  running: 0,

  start() {
    if (!window.EventSource) return;
    this.connect();
    document.addEventListener("visibilitychange", () => this.seen());
    window.addEventListener("online", () => this.connect());
    window.addEventListener("pagehide", () => this.drop());
    window.addEventListener("pageshow", (e) => { if (e.persisted) this.connect(); });
  },

  drop() { if (this.stream) this.stream.close(); this.stream = null; },

  // Browsers allow six connections per host; tabs nobody looks at give theirs back after a while.
  seen() {
    clearTimeout(this.idle);
    if (document.hidden) this.idle = setTimeout(() => this.drop(), 300000);
    else if (!this.stream) this.connect();
    else markRead();
  },

  connect() {
    clearTimeout(this.retry);
    this.drop();
    const stream = this.stream = new EventSource("/events");
    stream.onopen = () => {
      this.wait = 1000;
      clearTimeout(this.warn);
      this.warn = 0;
      $("lost").hidden = true;
      // What happened between drawing the page and now has not been told: look at everything once.
      this.resync();
    };
    stream.onerror = () => {
      // One timer from the first failure on: each further try must not put it off.
      this.warn = this.warn || setTimeout(() => { $("lost").hidden = false; }, 1500);
      if (stream.readyState === EventSource.CLOSED && stream === this.stream) {
        this.retry = setTimeout(() => this.connect(), this.wait);
        this.wait = Math.min(this.wait * 2, 15000);
      }
    };
    for (const kind of ["incident", "room", "run", "directory"])
      stream.addEventListener(kind, (e) => this.told(kind, e.data));
    stream.addEventListener("resync", () => this.resync());
  },

  told(kind, id) {
    const topics = new Set([kind, kind + ":" + id]);
    const touched = all("[data-live]").filter((el) => el.dataset.live.split(" ").some((t) => topics.has(t)));
    // An outer part brings its inner ones along.
    for (const el of touched) if (!touched.some((o) => o !== el && o.contains(el) && o.dataset.src)) this.queue(el);
  },

  resync() {
    const parts = all("[data-live]");
    for (const el of parts) if (!parts.some((o) => o !== el && o.contains(el) && o.dataset.src)) this.queue(el);
  },

  // One request per part at a time; a change during it asks once more. Changes close together are one.
  queue(el) {
    if (this.waiting.has(el)) { this.waiting.set(el, true); return; }
    this.waiting.set(el, false);
    setTimeout(() => this.refresh(el), 60 + 40 * this.running++);
  },

  async refresh(el) {
    this.waiting.set(el, false);
    let now = el;
    try {
      now = (el.id === "posts" ? await Posts.newer(el) : await this.swap(el)) || el;
    } catch { /* the stream's own bar tells that the connection is lost */ }
    this.running = Math.max(0, this.running - 1);
    const again = this.waiting.get(el);
    this.waiting.delete(el);
    if (again && now.isConnected) this.queue(now);
  },

  async swap(el) {
    const answer = await fetch(el.dataset.src, { headers: { accept: "text/html" } });
    if (!answer.ok || !el.isConnected) return el;
    const text = await answer.text();
    // A part that sends itself is replaced whole; one that sends its content is filled.
    const box = document.createElement("template");
    box.innerHTML = text;
    const first = box.content.firstElementChild;
    const whole = first && box.content.childElementCount === 1 && first.dataset.src === el.dataset.src;
    const old = whole ? el : null;
    if (whole ? same(old, first) : same(el, box.content)) return el;
    const keep = remember(el);
    const stay = steady(el);
    const at = Posts.atEnd();
    if (whole) el.replaceWith(first); else el.replaceChildren(box.content);
    const now = whole ? first : el;
    recall(now, keep);
    stay();
    if (at) Posts.toEnd();
    after(now);
    return now;
  },
};

// The one-time ids of forms differ on every drawing; they are not a change.
function same(a, b) {
  const plain = (x) => {
    const copy = x.cloneNode(true);
    for (const i of copy.querySelectorAll("input[name=click]")) i.remove();
    for (const t of copy.querySelectorAll("[data-age]")) t.textContent = "";
    for (const d of copy.querySelectorAll("details[open]")) d.removeAttribute("open");
    for (const h of copy.querySelectorAll(".here")) h.classList.remove("here");
    const box = document.createElement("div");
    box.append(...(copy instanceof DocumentFragment ? copy.childNodes : [copy]));
    return box.innerHTML.replaceAll(' class=""', "").replaceAll(" fresh", "");
  };
  const inner = (x) => { const f = document.createDocumentFragment(); f.append(...x.cloneNode(true).childNodes); return plain(f); };
  return a instanceof DocumentFragment || b instanceof DocumentFragment ? inner(a) === inner(b) : plain(a) === plain(b);
}

// Focus, open folds, scroll positions and half-written words survive a swap.
function remember(el) {
  const focus = el.contains(document.activeElement) ? document.activeElement : null;
  return {
    focus: focus && address(focus),
    open: all("details[open][data-keep]", el).map((d) => d.dataset.keep),
    tops: all(".output", el).map((o) => o.scrollHeight - o.scrollTop - o.clientHeight < 30 ? null : o.scrollTop),
    scroll: el.scrollTop,
    typed: all("[data-typed]", el).map((t) => [t.id, t.value, t.selectionStart]),
  };
}

function recall(el, keep) {
  for (const d of all("details[data-keep]", el)) if (keep.open.includes(d.dataset.keep)) d.open = true;
  all(".output", el).forEach((o, i) => { o.scrollTop = keep.tops[i] === undefined || keep.tops[i] === null ? (o.hasAttribute("data-tail") || keep.tops[i] === null ? o.scrollHeight : 0) : keep.tops[i]; });
  el.scrollTop = keep.scroll;
  for (const [id, value, at] of keep.typed) {
    const field = value && el.querySelector("#" + CSS.escape(id));
    if (field) { field.value = value; field.setSelectionRange(at, at); }
  }
  if (keep.focus) (el.matches(keep.focus) ? el : el.querySelector(keep.focus) || $("main")).focus({ preventScroll: true });
}

// What is in the middle of the screen stays there when a part above it grows or shrinks: nobody is to press
// what slides under the finger. Browsers see to that themselves, but not where a part is replaced whole.
function steady(el) {
  const box = el.closest(".scroll") || document.scrollingElement;
  const seen = [.5, .75, .25].map((y) => document.elementFromPoint(innerWidth / 2, innerHeight * y))
    .find((e) => e && box.contains(e) && !e.contains(el));
  // What is replaced itself is known again by its id.
  const mark = seen && el.contains(seen) ? seen.closest("[id]") : seen;
  const place = () => (mark?.isConnected ? mark : mark && $(mark.id))?.getBoundingClientRect().top;
  const top = place();
  return () => {
    const by = (place() ?? top) - top;
    if (by && box.scrollTop) box.scrollTop += by;
  };
}

// Where the focus was. A button is one of its own incident's: the focus must never come to rest on
// the same button of another one, where the next Enter would do something nobody meant.
function address(at) {
  const incident = at.form?.elements.incident?.value;
  if (at.id) return "#" + CSS.escape(at.id);
  if (incident) return `form:has(input[name=incident][value="${CSS.escape(incident)}"]) [value="${CSS.escape(at.value)}"]`;
  if (at.getAttribute("href")) return `a[href="${CSS.escape(at.getAttribute("href"))}"]`;
  const fold = at.closest("details[data-keep]");
  return fold ? `details[data-keep="${CSS.escape(fold.dataset.keep)}"] > summary` : "#main";
}

function after(el) {
  ages();
  markUnread();
  if (el.id === "side" || el.closest?.(".side")) titleCount();
}

// How bad it is, in the tab's title, also for a tab in the background.
function titleCount() {
  const n = Number(document.querySelector(".side [data-triggered]")?.dataset.triggered || 0);
  const bare = document.title.replace(/^\(\d+\) /, "");
  document.title = n ? `(${n}) ${bare}` : bare;
  const top = document.querySelector(".top .count");
  top.textContent = n;
  top.hidden = !n;
}

// Ages count on.
function ages() {
  const now = Date.now() + skew;
  for (const t of all("[data-age]")) {
    const s = Math.max(0, Math.floor((now - Number(t.dataset.age)) / 1000));
    const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
    const text = d ? (h ? `${d}d ${h}h` : `${d}d`) : h ? (m ? `${h}h ${m}m` : `${h}h`) : m ? `${m}m` : `${s}s`;
    if (t.textContent !== text) t.textContent = text;
  }
}
// The server's clock counts, not this device's.
const skew = Number(document.body.dataset.now) - Date.now();

// Rooms with something new, remembered in this browser.
const readKey = () => "firebell-read-" + (document.body.dataset.who || "nobody");
function readMarks() { try { return JSON.parse(localStorage.getItem(readKey()) || "{}"); } catch { return {}; } }
function markRead() {
  const room = document.querySelector("section.room"), posts = $("posts");
  if (!room || !posts || document.hidden || !posts.hasAttribute("data-newest")) return;
  const link = document.querySelector(`.rooms a[data-room="${room.dataset.room}"]`);
  const marks = readMarks();
  marks[room.dataset.room] = Math.max(marks[room.dataset.room] || 0, Number(posts.dataset.after), Number(link?.dataset.newest || 0));
  try { localStorage.setItem(readKey(), JSON.stringify(marks)); } catch { /* a private window: no marks */ }
  markUnread();
}
function markUnread() {
  const marks = readMarks(), here = document.querySelector("section.room")?.dataset.room;
  for (const a of all(".rooms a[data-room]")) {
    const fresh = Number(a.dataset.newest) > (marks[a.dataset.room] || 0) && a.dataset.room !== here;
    a.querySelector(".unread").hidden = !fresh;
  }
}

const Posts = {
  box: () => $("scroll"),
  atEnd() { const b = this.box(); return !!b && b.scrollHeight - b.scrollTop - b.clientHeight < 80; },
  toEnd() { const b = this.box(); if (b) b.scrollTop = b.scrollHeight; },

  // Everything after the last one shown; a gap that is too large loads the page anew.
  async newer(list) {
    if (!list.hasAttribute("data-newest")) return list;
    const room = document.querySelector("section.room").dataset.room;
    const answer = await fetch(`/fragments/room/${room}?after=${list.dataset.after}`);
    if (!answer.ok) return list;
    if (answer.headers.get("x-firebell-gap")) { location.reload(); return list; }
    const text = await answer.text();
    const end = this.atEnd();
    const box = document.createElement("template");
    box.innerHTML = text;
    for (const li of [...box.content.children]) {
      if ($(li.id)) continue;
      li.classList.add("fresh");
      list.append(li);
      list.dataset.after = Math.max(Number(list.dataset.after), Number(li.dataset.id));
    }
    const mark = Number(answer.headers.get("x-firebell-last") || 0);
    list.dataset.after = Math.max(Number(list.dataset.after), mark);
    await this.changed(list, room);
    if (end) this.toEnd();
    markRead();
    return list;
  },

  // Words that were edited, taken back or marked.
  async changed(list, room) {
    const answer = await fetch(`/fragments/room/${room}/changed?since=${list.dataset.after}`);
    if (!answer.ok) return;
    const box = document.createElement("template");
    box.innerHTML = await answer.text();
    for (const li of [...box.content.children]) {
      const old = $(li.id);
      if (old && !old.contains(document.activeElement) && !same(old, li)) old.replaceWith(li);
    }
  },

  async older(link) {
    const room = document.querySelector("section.room").dataset.room;
    link.setAttribute("aria-busy", "true");
    const answer = await fetch(`/fragments/room/${room}?before=${link.dataset.before}`);
    if (!answer.ok) { location.href = link.href; return; }
    const box = document.createElement("template");
    box.innerHTML = await answer.text();
    const first = box.content.firstElementChild, b = this.box(), before = b.scrollHeight;
    $("posts").prepend(box.content);
    b.scrollTop += b.scrollHeight - before;
    link.removeAttribute("aria-busy");
    if (answer.headers.get("x-firebell-more") && first) {
      link.dataset.before = first.dataset.id;
      link.href = `/rooms/${room}?before=${first.dataset.id}`;
    } else link.remove();
  },
};

function toast(text, ok) {
  const div = document.createElement("div");
  div.className = ok ? "toast" : "toast no";
  div.textContent = text;
  $("toasts").append(div);
  setTimeout(() => div.remove(), Math.min(20000, 4000 + text.length * 50));
}
