// Photos into a capture set: in parts, several at a time, and on from where they stopped. The
// platform keeps how far each has come (tus 1.0.0), by its content; here nothing is kept.
const box = document.getElementById("upload");
const words = JSON.parse(box.dataset.words);
const unfinished = new Map(JSON.parse(box.dataset.unfinished).map((one) => [one.sha256, one]));
const list = document.getElementById("sending");
const row = document.getElementById("sending-row");
const whole = document.getElementById("whole");
const status = document.getElementById("upload-status");
const pause = document.getElementById("pause");
const AT_ONCE = 4;
const PART = 2 ** 20;
const MOST = 12 * 2 ** 20;
const FACTS = ["framing", "yaw", "pitch", "lighting", "pose", "caption"];
const TUS = { "Tus-Resumable": "1.0.0" };
const items = [];
const waiting = [];
let paused = false;
let working = 0;

class Refused extends Error {}

function say(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function toBase64(bytes) {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text);
}

const encode = (text) => toBase64(new TextEncoder().encode(text));
const digest = (bytes) => crypto.subtle.digest("SHA-256", bytes);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const line = () => new Promise((done) => addEventListener("online", done, { once: true }));

async function toHex(content) {
  return [...new Uint8Array(await digest(content))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

// XMLHttpRequest, since fetch does not tell how much of a body has gone.
function ask(item, method, path, { headers = {}, body = null } = {}) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.timeout = 120_000;
    for (const [name, value] of Object.entries({ ...TUS, ...headers })) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => show(item, item.offset + event.loaded);
    request.onload = () => {
      item.request = null;
      if (request.status < 300) return done(request);
      const problem = read(request);
      const passing = [429, 460].includes(request.status) || request.status >= 500;
      if (passing || problem.reason === "UPLOAD_OFFSET_WRONG") return fail(new Error("again"));
      return fail(new Refused(problem.rule || problem.detail || words.refused));
    };
    request.onerror = request.onabort = request.ontimeout = () => {
      item.request = null;
      fail(new Error("no line"));
    };
    item.request = request;
    request.send(body);
  });
}

function read(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
}

function note(item, request) {
  item.offset = Number(request.getResponseHeader("Upload-Offset"));
  item.photo = request.getResponseHeader("Sosia-Photo") || "";
  show(item, item.offset);
}

async function partOf(item, content) {
  const body = content.slice(item.offset, item.offset + PART);
  const headers = {
    "Content-Type": "application/offset+octet-stream",
    "Upload-Checksum": `sha256 ${toBase64(await digest(body))}`,
  };
  return { headers, body };
}

async function begin(item, content) {
  const sha256 = await toHex(content);
  const known = unfinished.get(sha256); // of before the page was loaded again
  const facts = known ? known.facts : item.facts;
  const said = { filename: item.file.name, sha256, facts: JSON.stringify(facts) };
  const pairs = Object.entries(said).map(([name, value]) => `${name} ${encode(value)}`);
  const small = !known && content.byteLength <= PART;
  const part = small ? await partOf(item, content) : {};
  const headers = { "Upload-Length": content.byteLength, "Upload-Metadata": pairs.join() };
  const request = await ask(item, "POST", box.dataset.path, {
    ...part,
    headers: { ...part.headers, ...headers },
  });
  item.place = request.getResponseHeader("Location");
  settle(sha256);
  note(item, request);
}

// How far it came, where the answer was not heard: also whether it was refused meanwhile.
async function look(item) {
  const { upload } = read(await ask(item, "GET", `/v1${item.place}`));
  if (upload.state === "UPLOAD_STATE_FAILED") throw new Refused(upload.fault.rule);
  item.offset = Number(upload.offset);
  item.photo = upload.photo_id;
}

async function send(item, content) {
  await (item.place ? look(item) : begin(item, content));
  while (!item.photo) {
    if (paused) throw new Error("paused");
    const part = await partOf(item, content);
    part.headers["Upload-Offset"] = item.offset;
    note(item, await ask(item, "PATCH", item.place, part));
  }
}

async function bring(item) {
  if (item.file.size > MOST) throw new Refused(words.too_large);
  const content = await item.file.arrayBuffer();
  let wait = 500;
  for (;;) {
    if (paused) {
      tell(item, words.paused);
      await new Promise((done) => item.wakes.push(done));
    }
    const before = item.offset;
    tell(item, words.sending);
    try {
      return await send(item, content);
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (paused) continue;
      if (item.offset > before) wait = 500;
      tell(item, words.no_line);
      await Promise.race([sleep(wait), line()]);
      wait = Math.min(2 * wait, 10_000);
    }
  }
}

async function work() {
  working += 1;
  for (let item = waiting.shift(); item; item = waiting.shift()) {
    try {
      await bring(item);
      end(item, "in", words.done);
    } catch (error) {
      end(item, "broken", error instanceof Refused ? error.message : words.unreadable);
    }
  }
  working -= 1;
  if (!working) await refresh();
}

function take(files, facts) {
  for (const file of files) {
    const element = row.content.cloneNode(true).firstElementChild;
    element.querySelector(".file").textContent = file.name;
    element.querySelector("progress").setAttribute("aria-label", file.name);
    list.append(element);
    const item = { file, facts: facts(file), element, offset: 0, photo: "", sent: 0, wakes: [] };
    items.push(item);
    waiting.push(item);
    tell(item, words.waiting);
  }
  document.getElementById("going").hidden = false;
  while (working < AT_ONCE && waiting.length) work();
  sum();
}

function tell(item, text) {
  item.element.querySelector(".state").textContent = text;
}

function show(item, sent) {
  item.sent = Math.min(sent, item.file.size);
  const share = item.file.size ? item.sent / item.file.size : 1;
  item.element.querySelector("progress").value = share;
  if (!item.ended) tell(item, share < 1 ? `${Math.floor(100 * share)} %` : words.checking);
  sum();
}

function end(item, state, text) {
  item.ended = state;
  item.sent = item.file.size;
  item.element.classList.add(state);
  item.element.querySelector("progress").value = 1;
  tell(item, text);
  if (state === "broken") list.prepend(item.element); // where it is seen
  sum();
}

function sum() {
  const size = items.reduce((all, item) => all + item.file.size, 0);
  const sent = items.reduce((all, item) => all + item.sent, 0);
  whole.value = size ? sent / size : 0;
  const count = (state) => items.filter((item) => item.ended === state).length;
  const values = { done: count("in"), all: items.length, broken: count("broken") };
  const text = say(values.broken ? words.sum_broken : words.sum, values);
  if (status.textContent !== text) status.textContent = text; // said aloud only when it changes
  pause.hidden = values.done + values.broken === values.all;
}

// An unfinished one was picked again: it has a line of its own now.
function settle(sha256) {
  unfinished.delete(sha256);
  document.getElementById(`left-${sha256}`)?.remove();
  document.getElementById("left").hidden = unfinished.size === 0;
}

async function refresh() {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["standing", "report"]) {
    document.getElementById(id).replaceWith(fresh.getElementById(id));
  }
  status.textContent += ` ${words.refreshed}`;
}

// A photos.jsonl that comes along says of each photo what it shows; the form says it of the others.
async function choose(chosen) {
  const told = new Map();
  const said = Object.fromEntries(new FormData(document.getElementById("facts")));
  for (const file of chosen.filter((one) => one.name.endsWith(".jsonl"))) {
    for (const text of (await file.text()).split("\n").filter(Boolean)) {
      try {
        const told_of = JSON.parse(text);
        told.set(told_of.file, Object.fromEntries(FACTS.map((name) => [name, told_of[name]])));
      } catch {
        document.getElementById("malformed").hidden = false;
        return;
      }
    }
  }
  document.getElementById("malformed").hidden = true;
  const photos = chosen.filter((one) => !one.name.endsWith(".jsonl"));
  const others = { ...said, yaw: Number(said.yaw), pitch: Number(said.pitch) };
  take(photos, (file) => told.get(file.name) ?? others);
}

async function giveUp(button) {
  button.disabled = true;
  const { id, sha256 } = button.dataset;
  const item = { file: { size: 0 }, element: document.createElement("li"), offset: 0 };
  try {
    await ask(item, "DELETE", `/uploads/${id}`);
    settle(sha256);
  } catch {
    button.disabled = false;
  }
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? words.go_on : words.pause;
  for (const item of items) {
    if (paused) item.request?.abort();
    else for (const wake of item.wakes.splice(0)) wake();
  }
});
const input = document.getElementById("files");
input.addEventListener("change", () => {
  const chosen = [...input.files];
  input.value = ""; // so that the same files may be picked again
  choose(chosen);
});
const drop = box.querySelector(".drop");
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") choose([...event.dataTransfer.files]);
  });
}
for (const button of box.querySelectorAll(".give-up")) {
  button.addEventListener("click", () => giveUp(button));
}
box.hidden = !crypto.subtle; // without https there is no SHA-256
