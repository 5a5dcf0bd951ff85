// Drop or paste a picture onto the form; without this script the file button does the same.
const input = document.getElementById("file");
const chosen = document.getElementById("chosen");
const drop = document.querySelector(".drop");
const url = document.getElementById("url");
const preview = document.getElementById("preview");

function take(files) {
  if (!files.length) return;
  input.files = files;
  chosen.textContent = files[0].name;
  url.value = "";
  const reader = new FileReader(); // a data: URL, for the policy allows no blob:
  reader.addEventListener("load", () => {
    preview.src = reader.result;
    preview.hidden = false;
  });
  reader.readAsDataURL(files[0]);
}

input.addEventListener("change", () => take(input.files));
document.addEventListener("paste", (event) => {
  if (!event.clipboardData.files.length) return; // text goes where the cursor is
  event.preventDefault();
  take(event.clipboardData.files);
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
