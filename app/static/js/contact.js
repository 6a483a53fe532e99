// contact.js — answers while you write, words that survive, files that are named when they are too large. The form works without it.
const $ = (s, r = document) => r.querySelector(s);
const $$ = (s, r = document) => [...r.querySelectorAll(s)];
const KEY = "hylla-contact";
const kept = {
  read() { try { return JSON.parse(sessionStorage.getItem(KEY)) || {}; } catch { return {}; } },
  write(words) { try { sessionStorage.setItem(KEY, JSON.stringify(words)); } catch { /* private mode: the page itself still holds the words */ } },
  clear() { try { sessionStorage.removeItem(KEY); } catch { /* nothing kept, nothing to clear */ } },
};
const FIELDS = ["topic", "subject", "message", "fields_of", "field1", "field2", "email"];

/* one polite voice; a change is said after typing has stopped */
const live = document.createElement("div");
live.className = "vh";
live.setAttribute("role", "status");
document.body.append(live);
let saying;
const say = (text) => { clearTimeout(saying); saying = setTimeout(() => { live.textContent = text; }, 350); };

if ($("[data-sent]")) kept.clear();

const form = $("#ask");
if (form) {
  const field = (name) => form.elements[name];
  const words = () => Object.fromEntries(FIELDS.filter((n) => field(n)).map((n) => [n, field(n).value]));

  /* this tab's id, which help.js keeps: what is recorded here belongs to what was recorded before */
  try { for (const hidden of $$("input[name=t]")) hidden.value = sessionStorage.tab || hidden.value; } catch { /* the server's id stays */ }

  /* what a topic asks for stands below the message as soon as the topic is chosen */
  const showFields = () => {
    const asked = $$("template[data-fields]").find((each) => each.dataset.fields === field("topic")?.value);
    $("[data-fields-here]").replaceChildren(...(asked ? [asked.content.cloneNode(true)] : []));
  };
  field("topic")?.addEventListener("change", showFields);

  /* the words of this tab come back when the page comes back empty: after an article, a reload, a sign-in */
  const before = kept.read();
  const filled = field("subject").value || field("message").value;
  if (!filled) for (const name of FIELDS) if (before[name] && field(name) && !field(name).value) {
    field(name).value = before[name];
    if (name === "topic") showFields();
  }
  form.addEventListener("input", () => kept.write(words()));

  /* with answers beside the form there is no step between: it is sent at once */
  form.action = form.dataset.send;
  let leaving = false;
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "sign-in") return;
    if (leaving) { event.preventDefault(); return; }           // the second click of a double click
    leaving = true;
  });
  window.addEventListener("pageshow", () => { leaving = false; });

  /* safety topics: the phone line comes up, the answers step back */
  const topic = field("topic");
  const isSafety = () => Boolean(topic?.selectedOptions[0]?.hasAttribute("data-safety-topic"));
  const showPhone = () => {
    for (const line of $$("[data-safety]")) line.hidden = line.dataset.safety !== topic.value;
    const shown = $("[data-safety]:not([hidden])");
    if (shown) say(shown.textContent.trim().replace(/\s+/g, " "));
    if (isSafety()) help.hidden = true; else ask();
  };

  /* answers: after a pause, from enough letters; never moving the focus, never under the pointer */
  const help = $("[data-answers-here]");
  const letters = (text) => (text.match(/[\p{L}\p{N}]/gu) || []).length;
  let timer, request, asked = "", waiting = null, withMessage = false;
  const busy = () => help.matches(":hover") || help.contains(document.activeElement);
  const show = (found) => {
    if (busy()) { waiting = found; return; }
    waiting = null;
    help.innerHTML = found.html;
    help.hidden = !found.html;
    if (found.said) say(found.said);
  };
  const settle = () => { if (waiting && !busy()) show(waiting); };
  help.addEventListener("pointerleave", settle);
  help.addEventListener("focusout", () => setTimeout(settle));
  async function ask() {
    const subject = field("subject").value.trim();
    if (isSafety() || letters(subject) < Number(form.dataset.letters)) return;
    const message = withMessage ? field("message").value.trim().slice(0, 200) : "";
    const question = new URLSearchParams({ form: field("form").value, t: field("t").value, subject, message, topic: topic?.value || "" });
    if (asked === String(question)) return;
    asked = String(question);
    request?.abort();
    request = new AbortController();
    try {
      const answer = await fetch(`${form.dataset.answers}?${question}`, { signal: request.signal, headers: { accept: "application/json" } });
      if (answer.ok) show(await answer.json());
    } catch { /* no answers: the form is what matters */ }
  }
  const later = () => { clearTimeout(timer); timer = setTimeout(ask, 600); };
  field("subject").addEventListener("input", (event) => { if (!event.isComposing) later(); });
  field("message").addEventListener("input", () => {
    if (!withMessage && letters(field("message").value) >= Number(form.dataset.messageLetters)) { withMessage = true; later(); }
  });
  topic?.addEventListener("change", showPhone);
  if (topic?.value && isSafety()) showPhone();
  else if (help.hidden) ask();

  /* "This answered my question" carries the words along, so that there is a way back */
  const answered = $("#answered");
  answered.addEventListener("submit", () => {
    for (const [name, value] of Object.entries(words())) {
      const carried = answered.elements[name] || Object.assign(document.createElement("input"), { type: "hidden", name });
      carried.value = value;
      answered.append(carried);
    }
    kept.clear();
  });

  /* files that would be refused are named before they travel */
  const files = field("files");
  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_all, name) => values[name]);
  files?.addEventListener("change", () => {
    const limit = Number(form.dataset.maxMb);
    const large = [...files.files].find((file) => file.size > limit * 1024 * 1024);
    const problem = large ? fill(form.dataset.tooBig, { name: large.name, mb: limit })
      : files.files.length > Number(form.dataset.maxFiles) ? fill(form.dataset.tooMany, { n: form.dataset.maxFiles }) : "";
    let shown = $("#files-error");
    if (!shown && problem) {
      shown = Object.assign(document.createElement("p"), { className: "msg", id: "files-error" });
      shown.setAttribute("role", "alert");
      files.before(shown);
    }
    if (shown) shown.textContent = problem;
    files.closest(".q").classList.toggle("err", Boolean(problem));
    files.toggleAttribute("aria-invalid", Boolean(problem));
    files.setAttribute("aria-describedby", problem ? "files-tip files-error" : "files-tip");
    if (problem) files.value = "";
  });
}

/* errors take the focus, so that nobody has to look for them */
$(".summary[data-focus]")?.focus();

/* a thread that is open: say when a reply has come, never scroll by itself */
const thread = $("[data-thread]");
if (thread) {
  const known = thread.dataset.latest;
  const note = $("[data-new-reply]");
  const look = async () => {
    if (document.hidden || !note.hidden) return;
    try {
      const answer = await fetch(thread.dataset.thread, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      const { latest } = await answer.json();
      if (String(latest) !== known) { note.hidden = false; say(note.textContent.trim()); }
    } catch { /* offline: the next look may find it */ }
  };
  setInterval(look, 30000);
  document.addEventListener("visibilitychange", look);
}
