/** The themes that may be chosen; each overrides colours in styles/skins.css under its name. */
export const SKINS: readonly { value: string; label: string }[] = [
  { value: '', label: 'Plain' },
  { value: 'hermes', label: 'Hermes' },
]
