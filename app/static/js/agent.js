// agent.js — the desk by keyboard: answers beside the reply, drafts that stay. Every action also works without it.
const $ = (s, r = document) => r.querySelector(s);
const $$ = (s, r = document) => [...r.querySelectorAll(s)];
const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_all, name) => values[name]);
const live = document.createElement("div");
live.className = "vh";
live.setAttribute("role", "status");
document.body.append(live);
const say = (text) => { live.textContent = ""; setTimeout(() => { live.textContent = text; }, 100); };
const typing = (target) => Boolean(target.closest?.("input:not([type=radio]), textarea, select, [contenteditable]"));
const off = () => { try { return localStorage.getItem("shortcuts") === "off"; } catch { return false; } };
const plainKey = (event) => !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;

/* the list of requests: J and K, with the focus in it */
const tix = $("[data-tix]");
tix?.addEventListener("keydown", (event) => {
  if (!plainKey(event) || off()) return;
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (!step) return;
  const links = $$("a", tix);
  const next = links[links.indexOf(document.activeElement) + step];
  if (next) { event.preventDefault(); next.focus(); }
});

const desk = $("[data-desk]");
if (desk) {
  const W = desk.dataset;
  const form = $("#reply"), text = $("#text"), saved = $(".saved", form);
  const search = $("[data-desk-search]"), box = search.elements.q, list = $("[data-ans]"), said = $("[data-said]");
  const mode = () => form.elements.mode.value;
  const post = (path, fields) => fetch(`/agent/requests/${W.desk}/${path}`, {
    method: "POST", keepalive: true, headers: { accept: "application/json" },
    body: new URLSearchParams({ csrf_token: form.elements.csrf_token?.value || "", ...fields }),
  });

  /* drafts: kept two seconds after the last letter, and when the page goes */
  let timer, kept = text.value, writtenAs = text.value ? mode() : "";
  const keep = async () => {
    clearTimeout(timer);
    if (text.value === kept) return;
    const now = text.value;
    try {
      const answer = await post("draft", { text: now, mode: mode() });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      kept = now;
      saved.textContent = fill(W.wordsSaved, { time: new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }) });
    } catch { saved.textContent = W.wordsUnsaved; }
  };
  text.addEventListener("input", () => { writtenAs ||= mode(); if (!text.value) writtenAs = ""; clearTimeout(timer); timer = setTimeout(keep, 2000); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) keep(); });

  /* a note is not sent to the customer by a slip */
  let warned = false, sending = false;
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "insert") return;
    if (writtenAs === "note" && mode() === "reply" && !warned) {
      event.preventDefault(); warned = true; saved.textContent = W.wordsNoteAsReply; say(W.wordsNoteAsReply); return;
    }
    if (sending) { event.preventDefault(); return; }
    sending = true;
    clearTimeout(timer);
  });
  window.addEventListener("pageshow", () => { sending = false; });
  const write = (as) => { form.elements.mode.value = as; text.focus(); };
  for (const choice of $$("[name=mode]", form)) choice.addEventListener("change", () => { warned = false; });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    const button = mode() === "note" ? "note" : event.shiftKey ? "wait" : "stay";
    form.requestSubmit($(`[name=then][value=${button}]`, form));
  });

  /* answers: the list is asked for while words are typed; old hits stay until new ones come */
  let asking, request;
  const hits = () => $$("li[data-id]", list);
  const arm = () => {
    for (const button of $$("[data-do]", list)) button.hidden = false;
    for (const plain of $$("[data-plain]", list)) plain.hidden = true;
  };
  arm();
  const ask = async (focus) => {
    clearTimeout(asking);
    request?.abort();
    request = new AbortController();
    const slow = setTimeout(() => list.setAttribute("aria-busy", "true"), 400);
    try {
      const question = new URLSearchParams({ q: box.value, locale: search.elements.locale.value, ticket: W.desk });
      const answer = await fetch(`/agent/answers?${question}`, { signal: request.signal, headers: { accept: "application/json" } });
      const found = await answer.json();
      if (!answer.ok) throw new Error(String(answer.status));
      list.innerHTML = found.html;
      said.textContent = found.said;
      arm();
      if (focus) hits()[0]?.focus();
    } catch (error) { if (error.name !== "AbortError") said.textContent = W.wordsFailed; }
    finally { clearTimeout(slow); list.removeAttribute("aria-busy"); }
  };
  box.addEventListener("input", (event) => { if (!event.isComposing) { clearTimeout(asking); asking = setTimeout(ask, 200); } });
  search.addEventListener("submit", (event) => { event.preventDefault(); ask(true); });
  for (const link of $$(".seg a[data-locale]")) link.addEventListener("click", (event) => {
    event.preventDefault();
    for (const other of $$(".seg a[data-locale]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    search.elements.locale.value = link.dataset.locale;
    ask(false);
  });

  /* what is done with an answer */
  const insert = (hit, quoted = false) => {
    if (hit.hasAttribute("data-internal") && mode() !== "note") { said.textContent = W.wordsInternal; say(W.wordsInternal); return; }
    if (hit.dataset.only && !hit.hasAttribute("data-sure")) {
      hit.setAttribute("data-sure", "");
      const question = fill(W.wordsAnyway, { language: hit.dataset.only });
      $("[data-do=insert]", hit).firstChild.textContent = `${question} `;
      said.textContent = question;
      say(question);
      return;
    }
    const line = `${quoted ? `“${hit.dataset.quote}”\n` : ""}${hit.dataset.title}: ${hit.dataset.link}`;
    const start = text.selectionStart, before = text.value.slice(0, start), after = text.value.slice(text.selectionEnd);
    const lead = before && !/\s$/.test(before) ? " " : "", tail = after && !/^\s/.test(after) ? " " : "";
    text.focus();
    text.setRangeText(lead + line + tail, start, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
    used(hit, quoted ? "quoted" : "inserted");
    say(W.wordsInserted);
  };
  const copyRich = (hit) => {
    const link = Object.assign(document.createElement("a"), { href: hit.dataset.link, textContent: hit.dataset.title });
    const as = (text, type) => new Blob([text], { type });
    return navigator.clipboard.write([new ClipboardItem({
      "text/html": as(link.outerHTML, "text/html"), "text/plain": as(`${hit.dataset.title}: ${hit.dataset.link}`, "text/plain"),
    })]);
  };
  const copy = async (hit, what) => {
    if (hit.hasAttribute("data-internal")) { said.textContent = W.wordsInternal; say(W.wordsInternal); return; }
    try { await (what === "html" ? copyRich(hit) : navigator.clipboard.writeText(what === "link" ? hit.dataset.link : hit.dataset.markdown)); }
    catch { said.textContent = W.wordsNocopy; const plain = $("[data-plain]", hit); if (plain) { plain.hidden = false; plain.open = true; } return; }
    used(hit, what);
    said.textContent = { link: W.wordsLink, markdown: W.wordsMarkdown, html: W.wordsHtml }[what];
    say(said.textContent);
    setTimeout(() => { said.textContent = ""; }, 3000);
  };
  const used = (hit, how) => { post("uses", { article: hit.dataset.id, locale: hit.dataset.locale, how }).catch(() => { /* counted again when the reply is sent */ }); };
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    event.preventDefault();
    const hit = button.closest("li");
    if (button.dataset.do === "insert") insert(hit);
    else if (button.dataset.do === "quote") insert(hit, true);
    else copy(hit, button.dataset.do);
  });
  list.addEventListener("keydown", (event) => {
    const hit = event.target.closest("li[data-id]");
    if (!hit || typing(event.target)) return;
    const all = hits(), at = all.indexOf(hit);
    const go = (target) => { event.preventDefault(); target?.focus(); };
    if (event.key === "ArrowDown") go(all[at + 1] || hit);
    else if (event.key === "ArrowUp") go(all[at - 1] || box);
    else if (event.key === "Home") go(all[0]);
    else if (event.key === "End") go(all.at(-1));
    else if (event.key === "Escape") go(text);
    else if (event.key === "Enter" && event.target === hit) { event.preventDefault(); insert(hit); }
    else if (plainKey(event) && !off()) {
      const key = event.key.toLowerCase();
      if (key === "l") { event.preventDefault(); copy(hit, "link"); }
      else if (key === "h") { event.preventDefault(); copy(hit, "html"); }
      else if (key === "q") { event.preventDefault(); insert(hit, true); }
      else if (key === "m") { event.preventDefault(); copy(hit, "markdown"); }
      else if (key === "o") { event.preventDefault(); window.open($("h3 a", hit).href, "_blank", "noopener"); }
    }
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") { event.preventDefault(); hits()[0]?.focus(); }
    else if (event.key === "Escape") { event.preventDefault(); text.focus(); }
  });

  /* the list of keys */
  const keys = $("dialog.keys"), opener = $("[data-keys]");
  const showKeys = () => { if (!keys.open) keys.showModal(); };
  opener.hidden = false;
  opener.addEventListener("click", showKeys);

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || keys.open) return;
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); event.stopImmediatePropagation(); box.focus(); box.select(); return; }
    if (typing(event.target) || !plainKey(event) || off()) return;
    if (event.key === "/") { event.preventDefault(); event.stopImmediatePropagation(); box.focus(); box.select(); }
    else if (event.key === "?") { event.preventDefault(); showKeys(); }
    else if (event.key.toLowerCase() === "n" && !event.target.closest("[data-tix]")) { event.preventDefault(); write("note"); }
    else if (event.key.toLowerCase() === "r" && !event.target.closest("[data-tix]")) { event.preventDefault(); write("reply"); }
  }, true);
}

$(".summary[data-focus]")?.focus();
