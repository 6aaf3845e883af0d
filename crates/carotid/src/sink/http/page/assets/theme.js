// Runs before anything is painted. The choice of the reader, or that of the system.
(() => {
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch {
    // Whoever lets no page keep anything has the theme of the system.
  }
})();
