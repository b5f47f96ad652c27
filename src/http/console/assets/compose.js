// Writing and pressing: the same forms, sent without leaving the page.

const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

async function send(form, button) {
  const data = new URLSearchParams(new FormData(form, button || undefined));
  const answer = await fetch(form.action, { method: "POST", headers: { accept: "application/json" }, body: data });
  if ((answer.headers.get("content-type") || "").startsWith("application/json")) return answer.json();
  throw new Error(String(answer.status));
}

async function press(form, button) {
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  button?.setAttribute("aria-busy", "true");
  try {
    const reply = await send(form, button);
    if (reply.text) toast(reply.text, reply.ok);
    if (reply.go && !reply.ok) location.href = reply.go;
  } catch {
    toast("That did not arrive. Nothing is known to have been done; press again, it counts once.", false);
  }
  delete form.dataset.busy;
  button?.removeAttribute("aria-busy");
}

const Box = {
  field: null,
  list: null,
  at: -1,
  asked: 0,

  start() {
    this.field = $("message");
    this.list = $("completions");
    if (!this.field) return;
    const form = $("composer");
    form.addEventListener("submit", (e) => { e.preventDefault(); this.say(form); });
    this.field.addEventListener("keydown", (e) => this.key(e, form));
    this.field.addEventListener("input", () => { this.grow(); this.complete(); });
    this.field.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("mousedown", (e) => {
      const item = e.target.closest("li");
      if (item) { e.preventDefault(); this.take(item); }
    });
    try {
      this.field.value = sessionStorage.getItem("firebell-draft" + location.pathname) || "";
      this.grow();
    } catch { /* no drafts then */ }
  },

  grow() {
    // Rows, not a style: the content security policy allows no inline styles and needs none.
    this.field.rows = Math.min(8, this.field.value.split("\n").length);
    try { sessionStorage.setItem("firebell-draft" + location.pathname, this.field.value); } catch { /* as above */ }
  },

  async say(form) {
    const text = this.field.value;
    if (!text.trim() || form.dataset.busy) return;
    form.dataset.busy = "1";
    this.close();
    try {
      const reply = await send(form, null);
      form.elements.click.value = fresh();
      // A command with a mistake stays, to be corrected.
      if (reply.ok) { this.field.value = ""; this.grow(); }
      if (reply.text && !reply.said) toast(reply.text, reply.ok);
      if (reply.go) { location.href = reply.go; return; }
      Posts.toEnd();
      Live.queue($("posts"));
    } catch {
      toast("The message did not arrive; it is still in the box. Send it again, it is posted once.", false);
    } finally {
      delete form.dataset.busy;
    }
  },

  key(e, form) {
    const open = !this.list.hidden;
    if (open && (e.key === "ArrowDown" || e.key === "ArrowUp")) { e.preventDefault(); this.move(e.key === "ArrowDown" ? 1 : -1); }
    else if (open && e.key === "Tab" && !e.shiftKey) { e.preventDefault(); this.take(this.list.children[Math.max(0, this.at)]); }
    else if (open && e.key === "Enter" && this.at >= 0 && !e.shiftKey) { e.preventDefault(); this.take(this.list.children[this.at]); }
    else if (e.key === "Escape") { e.stopPropagation(); if (open) this.close(); else this.field.blur(); }
    else if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); form.requestSubmit(); }
  },

  async complete() {
    const text = this.field.value, mine = ++this.asked;
    if (!text.startsWith("/") || text.includes("\n") || this.field.selectionStart !== text.length) { this.close(); return; }
    const room = document.querySelector("section.room").dataset.room;
    let found = [];
    try {
      const answer = await fetch(`/complete?room=${room}&text=${encodeURIComponent(text)}`);
      if (answer.ok) found = await answer.json();
    } catch { /* no completions then */ }
    if (mine !== this.asked) return;
    this.list.replaceChildren(...found.map((c, i) => {
      const li = document.createElement("li"), b = document.createElement("b"), s = document.createElement("span");
      li.id = "completion-" + i;
      li.setAttribute("role", "option");
      li.dataset.insert = c.insert;
      b.textContent = c.label;
      s.textContent = c.help;
      s.className = "hint";
      li.append(b, s);
      return li;
    }));
    this.at = -1;
    this.list.hidden = !found.length;
    this.field.setAttribute("aria-expanded", String(!!found.length));
  },

  move(by) {
    const n = this.list.children.length;
    this.at = (this.at + by + n) % n;
    [...this.list.children].forEach((li, i) => li.setAttribute("aria-selected", String(i === this.at)));
    this.list.children[this.at].scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", "completion-" + this.at);
  },

  take(item) {
    if (!item) return;
    this.field.value = item.dataset.insert;
    this.field.focus();
    this.close();
    this.grow();
    this.complete();
  },

  close() {
    this.asked++;
    this.at = -1;
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  },
};
