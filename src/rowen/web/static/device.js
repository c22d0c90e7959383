/* Keeps the time zone of this device in a cookie: pages use it for people without a zone of their own. */

const deviceZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === "https:" ? "; Secure" : "";
if (deviceZone) document.cookie = `rowen_device_zone=${deviceZone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
