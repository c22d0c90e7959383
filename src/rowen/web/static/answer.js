/* Answers an invitation where it is. Without this, the page loads again, at the same card. */

for (const form of document.querySelectorAll("form.reply")) {
  if (form instanceof HTMLFormElement) form.addEventListener("submit", (event) => void answer(event, form));
}

/**
 * @param {SubmitEvent} event
 * @param {HTMLFormElement} form
 */
async function answer(event, form) {
  const button = event.submitter;
  const state = form.querySelector("[role=status]");
  if (!(button instanceof HTMLButtonElement) || !state) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, button)) fields.append(name, String(value));
  try {
    const reply = await fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
    if (reply.type === "opaqueredirect") show(form, button, state);
    else refuse(form, button); // sent again as a form, so that the page of the refusal is shown
  } catch {
    const script = document.querySelector("script[data-failed]");
    state.textContent = script instanceof HTMLElement ? (script.dataset.failed ?? "") : "";
  }
  form.ariaBusy = null;
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement} chosen
 * @param {Element} state
 */
function show(form, chosen, state) {
  for (const each of form.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each === chosen));
  state.textContent = chosen.dataset.done ?? "";
  chosen.focus({ preventScroll: true });
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement} chosen
 */
function refuse(form, chosen) {
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = chosen.name;
  field.value = chosen.value;
  form.append(field);
  form.submit();
}
