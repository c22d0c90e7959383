/* Stores a form while a person types; see web/scorecard_page.py. Until it is stored, the tab keeps what was typed. */

const WAIT = 800; // milliseconds after the last key
const RETRY = 5000;

for (const form of document.querySelectorAll("form[data-draft]")) {
  if (form instanceof HTMLFormElement) keep(form);
}

/** @param {HTMLFormElement} form */
function keep(form) {
  const key = `draft ${form.action}`;
  const state = form.querySelector("[data-state]");
  let timer = 0;
  let running = false;
  let left = false;

  /** @param {string} name */
  const show = (name) => {
    if (state) state.textContent = form.dataset[name] ?? "";
  };

  const content = () => {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) fields.append(name, String(value));
    fields.set("do", "autosave");
    return fields;
  };

  const typed = () => {
    const fields = content();
    fields.delete("csrf");
    return fields.toString();
  };

  const later = (/** @type {number} */ milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(save, milliseconds);
  };

  async function save() {
    if (running || left) return;
    running = true;
    const sent = typed();
    let stored = false;
    let ended = false;
    show("saving");
    try {
      const answer = await fetch(form.action, { method: "POST", body: content(), redirect: "manual" });
      stored = answer.ok;
      ended = answer.status === 403;
    } catch {
      stored = false; // no connection: it is tried again
    }
    running = false;
    if (left) return;
    if (ended) {
      show("ended"); // the tab keeps what was typed: it is there after signing in and a reload
    } else if (!stored) {
      show("failed");
      later(RETRY);
    } else if (typed() !== sent) {
      later(WAIT);
    } else {
      sessionStorage.removeItem(key);
      show("saved");
    }
  }

  const kept = sessionStorage.getItem(key);
  if (kept !== null && kept !== typed()) {
    restore(form, new URLSearchParams(kept));
    later(0);
  }
  form.addEventListener("input", () => {
    sessionStorage.setItem(key, typed());
    show("saving");
    later(WAIT);
  });
  form.addEventListener("submit", () => {
    left = true;
    clearTimeout(timer);
    sessionStorage.removeItem(key);
  });
  addEventListener("online", () => {
    if (sessionStorage.getItem(key) !== null) later(0);
  });
  addEventListener("pagehide", () => {
    if (!left && sessionStorage.getItem(key) !== null) navigator.sendBeacon(form.action, content());
  });
}

/**
 * @param {HTMLFormElement} form
 * @param {URLSearchParams} fields
 */
function restore(form, fields) {
  for (const field of form.elements) {
    if (field instanceof HTMLInputElement && field.type === "radio") {
      field.checked = fields.get(field.name) === field.value;
    } else if (field instanceof HTMLTextAreaElement && fields.has(field.name)) {
      field.value = fields.get(field.name) ?? "";
    }
  }
}
