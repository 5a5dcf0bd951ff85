// Drop or paste a picture onto the form; without this script the file button does the same.
const input = document.getElementById("file");
const chosen = document.getElementById("chosen");
const drop = document.querySelector(".drop");

function take(files) {
  if (!files.length) return;
  input.files = files;
  chosen.textContent = files[0].name;
}

input.addEventListener("change", () => take(input.files));
document.addEventListener("paste", (event) => take(event.clipboardData.files));
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
