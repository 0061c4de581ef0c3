// Runs before the first paint: a viewer who chose a theme never sees the other one flash.
try {
  const theme = localStorage.getItem("overround.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage refused: the system's scheme holds.
}
