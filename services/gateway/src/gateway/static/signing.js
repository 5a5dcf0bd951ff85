// Passkeys sign here. A form with data-statement (base64) and a hidden input "signature" is sent
// with a passkey's assertion over SHA-256 of the statement, unless it is filled in already; a button may bring a data-statement of
// its own, and data-credentials (base64url, blanks between) says which passkeys may answer. A form
// with data-offer and a hidden input "credential" is sent with a passkey that was just made.

const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const encode = (bytes) => btoa(Array.from(new Uint8Array(bytes), (one) => String.fromCharCode(one)).join(""));
const toUrl = (bytes) => encode(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const fromUrl = (text) => decode(text.replaceAll("-", "+").replaceAll("_", "/"));
const challenge = (statement) => crypto.subtle.digest("SHA-256", decode(statement));
const names = (ids) => ids.map((id) => ({ type: "public-key", id }));

async function sign(statement, allowed) {
  const answer = (await navigator.credentials.get({
    publicKey: {
      challenge: await challenge(statement),
      userVerification: "required",
      allowCredentials: names(allowed),
    },
  }));
  return JSON.stringify({
    type: "webauthn",
    credential_id: toUrl(answer.rawId),
    authenticator_data: toUrl(answer.response.authenticatorData),
    client_data_json: toUrl(answer.response.clientDataJSON),
    signature: toUrl(answer.response.signature),
  });
}

async function make(offer, name) {
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: await challenge(offer.statement),
      rp: { id: offer.rp_id, name: "Sosia" },
      user: { id: decode(offer.user_id), name: `${offer.user_name} · ${name}`, displayName: offer.user_name },
      pubKeyCredParams: [-7, -8].map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      excludeCredentials: names(offer.exclude.map(decode)),
      attestation: "none",
    },
  });
  return JSON.stringify({
    type: "webauthn.create",
    credential_id: toUrl(made.rawId),
    client_data_json: toUrl(made.response.clientDataJSON),
    attestation_object: toUrl(made.response.attestationObject),
  });
}

function tell(form, text) {
  const note = form.querySelector("[data-note]") ?? form.appendChild(document.createElement("p"));
  note.dataset.note = "";
  note.className = "warning";
  note.setAttribute("role", "alert");
  note.textContent = text;
}

// What to say of each kind of error, in the page's language.
const REASONS = JSON.parse(document.currentScript.dataset.words);

async function answer(form, button) {
  const statement = button?.dataset.statement ?? form.dataset.statement;
  const allowed = (form.dataset.credentials ?? "").split(" ").filter(Boolean).map(fromUrl);
  const text = statement === undefined
    ? await make(JSON.parse(new TextDecoder().decode(decode(form.dataset.offer))), form.elements.name.value)
    : await sign(statement, allowed);
  return encode(new TextEncoder().encode(text));
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const asks = form.dataset.statement ?? event.submitter?.dataset.statement ?? form.dataset.offer;
  const field = form.elements.signature ?? form.elements.credential;
  if (asks === undefined || field.value !== "") return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  try {
    field.value = await answer(form, event.submitter);
    form.requestSubmit(event.submitter);
  } catch (error) {
    tell(form, REASONS[error.name] ?? REASONS.other);
  } finally {
    form.removeAttribute("aria-busy");
  }
});

// A page the browser kept and shows again asks anew.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const field of document.querySelectorAll("[name=signature][type=hidden], [name=credential]")) {
    field.value = "";
  }
});
