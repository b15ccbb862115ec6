import { sentenceOf } from '@/api/problem'
import { ConfigAlarm } from '@/health/ConfigAlarm'
import { Read } from '@/health/Read'
import { Facts, Part } from '@/kit/Facts'
import { byServer } from '@/live/clock'
import { Browser } from './Browser'
import { useSettings } from './reading'
import { rowsOf, SECTIONS } from './rows'
import './settings.css'

/** What this browser keeps, and the settings of the server that are in force. */
export default function SettingsView() {
  const settings = useSettings()
  const known = settings.data
  return (
    <div className="page">
      <div className="sheet settings">
        <div className="page-head">
          <h1>Settings</h1>
        </div>
        <Browser />
        {settings.error !== null && <p role="alert">{sentenceOf(settings.error)}</p>}
        {known !== undefined && (
          <Part title="Configuration" fresh={<Read at={byServer(settings.dataUpdatedAt)} />}>
            <ConfigAlarm />
            <p className="part-note">
              These are changed in the files below, and not here. A running gateway follows them.
            </p>
            <Facts
              rows={[
                {
                  name: 'Files',
                  value:
                    known.files.length === 0
                      ? 'None: every setting has its default.'
                      : known.files.map((one) => <code key={one}>{one}</code>),
                },
                {
                  name: 'Variables that override them',
                  value:
                    known.variables.length === 0
                      ? 'None'
                      : known.variables.map((one) => <code key={one}>{one}</code>),
                },
              ]}
            />
          </Part>
        )}
        {known !== undefined &&
          SECTIONS.map(({ section, title }) => (
            <Part key={section} title={title}>
              <Facts
                rows={rowsOf(section, known[section], known.variables).map((row) => ({
                  name: <code>{row.name}</code>,
                  value: row.unset ? <span className="dim">{row.text}</span> : row.text,
                  note: row.variable === null ? undefined : `Set by ${row.variable}.`,
                }))}
              />
            </Part>
          ))}
      </div>
    </div>
  )
}
