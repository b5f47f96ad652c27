// Keys, and the start of everything.

const places = { o: "/", i: "/incidents", c: "/oncall", s: "/services", a: "/alerts", m: "/silences", q: "/quarantine" };
let going = 0;

function step(by) {
  const items = all("main [data-item]");
  if (!items.length) return;
  const at = items.findIndex((i) => i.classList.contains("here"));
  const next = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, at + by))];
  for (const i of items) i.classList.toggle("here", i === next);
  (next.querySelector("[data-open]") || next.querySelector("a, button"))?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === "Escape") { $("menu").checked = false; document.activeElement?.blur?.(); return; }
  if (e.target.closest("input, textarea, select, [contenteditable]") && e.target.id !== "menu") return;
  if (Date.now() - going < 1200) {
    going = 0;
    if (places[e.key]) { e.preventDefault(); location.href = places[e.key]; return; }
  }
  const todo = {
    "/": () => ($("message") || document.querySelector("input[type=search]"))?.focus(),
    "?": () => $("help").showModal(),
    g: () => { going = Date.now(); },
    j: () => step(1),
    k: () => step(-1),
    n: () => { location.href = "/declare"; },
    a: () => document.querySelector("main .button.primary:not(:disabled):not(.send)")?.focus(),
  }[e.key];
  if (todo) { e.preventDefault(); todo(); }
});

document.addEventListener("submit", (e) => {
  if (!e.target.matches("form.press")) return;
  e.preventDefault();
  press(e.target, e.submitter);
});

document.addEventListener("click", (e) => {
  const older = e.target.closest("#older");
  if (older) { e.preventDefault(); Posts.older(older); }
});

// The server cannot know what the device prefers; the switch offers the other colours.
const theme = document.querySelector("button.theme");
if (theme && !document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches) {
  theme.value = "light";
  theme.setAttribute("aria-label", "Switch to light colours");
}

const keys = $("keys");
keys.hidden = false;
keys.addEventListener("click", () => $("help").showModal());

Box.start();
Posts.toEnd();
for (const o of all(".output[data-tail]")) o.scrollTop = o.scrollHeight;
ages();
setInterval(ages, 1000);
markRead();
markUnread();
Live.start();
