// The house's events, newest first: a bounded list, filtered by service.
const list = document.getElementById("events");
const row = document.getElementById("row");
const state = document.getElementById("state");
const MOST = 500;
let seen = 0;

function wanted() {
  return new Set([...document.querySelectorAll("[name=service]:checked")].map((box) => box.value));
}

function show(item, names) {
  item.hidden = !names.has(item.dataset.service);
}

function add(event) {
  const item = row.content.cloneNode(true).firstElementChild;
  const [service, , what] = event.subject.split(".");
  item.dataset.service = service;
  item.querySelector("time").textContent = event.time.slice(11, 23);
  item.querySelector("time").dateTime = event.time;
  item.querySelector(".service").textContent = service;
  const ids = Object.values(event.data).filter((value) => /^[a-z]{3}_[0-9a-z]{26}$/.test(value));
  const summary = item.querySelector("summary");
  summary.textContent = what.replaceAll("_", " ");
  const about = document.createElement("code");
  const aboutParty = (id) => id.startsWith("pty_");
  about.textContent = ids.find((id) => !aboutParty(id)) ?? ids[0] ?? "";
  summary.append(about);
  item.querySelector("pre").textContent = JSON.stringify(event, null, 2);
  show(item, wanted());
  list.prepend(item);
  while (list.children.length > MOST) list.lastElementChild.remove();
  seen += 1;
  state.textContent = `live, ${seen} events`;
}

for (const box of document.querySelectorAll("[name=service]")) {
  box.addEventListener("change", () => {
    const names = wanted();
    for (const item of list.children) show(item, names);
  });
}
const source = new EventSource("/v1/events");
source.onmessage = (message) => add(JSON.parse(message.data));
source.onopen = () => { state.textContent = `live, ${seen} events`; };
source.onerror = () => { state.textContent = "connection lost, trying again"; };
