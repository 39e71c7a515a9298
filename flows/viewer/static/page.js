// Copies what a button names; everything else works without a script.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  navigator.clipboard.writeText(button.dataset.copy).then(
    () => { button.textContent = "copied"; },
    () => { button.textContent = "not allowed here"; },
  );
});
