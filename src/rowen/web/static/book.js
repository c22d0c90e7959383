/* Shows a candidate's times in the time zone of the browser, before anything is drawn; see web/booking_page.py. */

const script = document.currentScript;
const known = script instanceof HTMLScriptElement ? script.dataset.zone : undefined;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (known !== undefined && zone && zone !== known) {
  const address = new URL(location.href);
  address.searchParams.set("zone", zone);
  location.replace(address);
}
