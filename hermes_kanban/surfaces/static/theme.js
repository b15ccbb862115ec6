// Before the first paint, so that no other theme is seen for a moment.
;(() => {
  try {
    const kept = JSON.parse(localStorage.getItem('hermes-kanban.preferences') || '{}')
    if (kept.theme === 'light' || kept.theme === 'dark') {
      document.documentElement.dataset.theme = kept.theme
    }
    if (typeof kept.skin === 'string') document.documentElement.dataset.skin = kept.skin
  } catch {
    // Storage is off or holds something else: the system's theme it is.
  }
})()
