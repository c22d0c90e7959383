/** Making elements: text becomes text, never markup, whatever it is. */

/**
 * Make an element with attributes and children.
 * @param {string} name
 * @param {Record<string, string | boolean | undefined>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
export function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/**
 * Return the element of the page with an id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no #${id}`);
  return found;
}

/**
 * Return the JSON in a script element of the page.
 * @param {string} id
 * @returns {any}
 */
export function readJson(id) {
  return JSON.parse(byId(id).textContent ?? "");
}

/**
 * Return up to two letters that stand for a name.
 * @param {string} name
 */
export function initials(name) {
  const parts = name.split("@")[0].split(/[\s.]+/).filter(Boolean);
  const chosen = parts.length > 1 ? [parts[0], parts[parts.length - 1]] : parts;
  return chosen.map((part) => [...part][0]).join("").slice(0, 2).toUpperCase();
}
