// Helps with forms; every form works without it.

/** Shows only the people whose name or address has every word, without asking the server. */
function filterPeople() {
  const find = document.querySelector("#find");
  const list = document.querySelector(".ticks");
  if (!(find instanceof HTMLInputElement) || !list || find.value) return;
  find.removeAttribute("name");
  const button = find.parentElement?.querySelector("button");
  if (button) button.hidden = true;
  const rows = Array.from(list.querySelectorAll("li"));
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = (row.textContent ?? "").toLowerCase();
      const chosen = row.querySelector("input")?.checked;
      row.hidden = !chosen && !words.every((word) => text.includes(word));
    }
  });
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
}

/** Puts the text of a chosen file into the field that the server reads. */
function readFiles() {
  for (const input of document.querySelectorAll("input[type=file][data-into]")) {
    if (!(input instanceof HTMLInputElement)) continue;
    const field = document.getElementById(input.dataset.into ?? "");
    const label = input.closest("[hidden]");
    if (label instanceof HTMLElement) label.hidden = false;
    input.addEventListener("change", async () => {
      const file = input.files?.[0];
      if (file && field instanceof HTMLTextAreaElement) field.value = await file.text();
    });
  }
}

/** Copies the text of a field that is shown once. */
function copyTexts() {
  for (const button of document.querySelectorAll("button[data-copies]")) {
    if (!(button instanceof HTMLButtonElement)) continue;
    const field = document.getElementById(button.dataset.copies ?? "");
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) || !navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.done ?? button.textContent;
    });
  }
}

/**
 * Sends a form only if the server can be reached: a page that is not kept would come back empty after an error page of
 * the browser.
 */
function keepUndelivered() {
  const script = document.querySelector("script[data-undelivered]");
  const icon = document.querySelector("link[rel=icon]");
  if (!(script instanceof HTMLScriptElement) || !(icon instanceof HTMLLinkElement)) return;
  const alert = document.createElement("p");
  alert.className = "alert";
  alert.setAttribute("role", "alert");
  for (const form of document.querySelectorAll("main form[method=post]")) {
    if (!(form instanceof HTMLFormElement)) continue;
    let reachable = false;
    form.addEventListener("submit", async (event) => {
      if (reachable) return;
      event.preventDefault();
      const button = event.submitter;
      try {
        await fetch(icon.href, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(10_000) });
        reachable = true;
        alert.remove();
        form.requestSubmit(button);
      } catch {
        alert.textContent = script.dataset.undelivered ?? "";
        (button?.closest(".actions") ?? button ?? form.lastElementChild)?.before(alert);
      }
      reachable = false;
    });
  }
}

/** Suggests the browser's time zone where the server knows none but UTC. */
function suggestZone() {
  const choice = document.querySelector("select#time_zone");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!(choice instanceof HTMLSelectElement) || choice.value !== "UTC" || !document.querySelector("#organization")) return;
  if (Array.from(choice.options).some((each) => each.value === zone)) choice.value = zone;
}

/** Makes Enter in the fields of a search for times press the button of that search. */
function searchByEnter() {
  const finder = document.querySelector(".finder");
  const button = finder?.querySelector("button[value=times]");
  if (!(finder instanceof HTMLElement) || !(button instanceof HTMLButtonElement)) return;
  finder.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    button.click();
  });
}

suggestZone();
keepUndelivered();
document.querySelector(".sections [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
filterPeople();
readFiles();
copyTexts();
searchByEnter();
