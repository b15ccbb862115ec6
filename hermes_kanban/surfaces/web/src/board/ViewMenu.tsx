import { Menu } from '@base-ui/react/menu'
import { ChevronDown } from 'lucide-react'
import { type FormEvent, useRef, useState } from 'react'
import { useSearchParams } from 'wouter'
import { prefer, type SavedView, usePreferences } from '@/app/preferences'
import { Button } from '@/kit/Button'
import { Dialog } from '@/kit/Dialog'
import { toast } from '@/kit/toasts'
import { useView } from './context'
import { viewOf } from './filter'

type Naming = { what: 'save' } | { what: 'rename'; name: string } | null

const NO_VIEWS: SavedView[] = []

/** Saved views of the board, and how dense its cards are. */
export function ViewMenu() {
  const { slug } = useView()
  const { views, density, showCost } = usePreferences()
  const [search, setSearch] = useSearchParams()
  const [naming, setNaming] = useState<Naming>(null)
  const saved = views[slug] ?? NO_VIEWS
  const address = viewOf(search)
  const current = saved.find((one) => viewOf(new URLSearchParams(one.search)) === address)
  const name = current?.name ?? (address === '' ? 'Default' : 'Unsaved')
  const keep = (next: SavedView[]) => prefer({ views: { ...views, [slug]: next } })
  const choose = (wanted: string) =>
    setSearch((before) => {
      const next = new URLSearchParams(wanted)
      const task = before.get('task')
      if (task !== null) next.set('task', task)
      return next
    })
  const remove = (view: SavedView) => {
    keep(saved.filter((one) => one !== view))
    toast(`View ${view.name} deleted.`, {
      action: { label: 'Undo', act: () => keep(saved) },
    })
  }
  return (
    <>
      <Menu.Root>
        <Menu.Trigger
          render={
            <Button small look="quiet" className="view-button">
              View: {name}
              <ChevronDown className="i" aria-hidden="true" />
            </Button>
          }
        />
        <Menu.Portal>
          <Menu.Positioner className="over" sideOffset={4} align="end" collisionPadding={8}>
            <Menu.Popup className="pop">
              <Menu.RadioGroup
                value={current?.search ?? (address === '' ? '' : null)}
                onValueChange={choose}
              >
                <View value="" name="Default" />
                {saved.map((one) => (
                  <View key={one.name} value={one.search} name={one.name} />
                ))}
              </Menu.RadioGroup>
              <Menu.Separator className="pop-line" />
              {current === undefined && address !== '' && (
                <Menu.Item className="pop-item" onClick={() => setNaming({ what: 'save' })}>
                  Save this view…
                </Menu.Item>
              )}
              {current !== undefined && (
                <>
                  <Menu.Item
                    className="pop-item"
                    onClick={() => setNaming({ what: 'rename', name: current.name })}
                  >
                    Rename {current.name}…
                  </Menu.Item>
                  <Menu.Item className="pop-item" onClick={() => remove(current)}>
                    Delete {current.name}
                  </Menu.Item>
                </>
              )}
              {(current !== undefined || address !== '') && <Menu.Separator className="pop-line" />}
              <Toggle
                name="Compact cards"
                checked={density === 'compact'}
                onChange={(compact) => prefer({ density: compact ? 'compact' : 'regular' })}
              />
              <Toggle
                name="Cost on cards"
                checked={showCost}
                onChange={(shown) => prefer({ showCost: shown })}
              />
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {naming !== null && (
        <NameDialog
          naming={naming}
          taken={saved.map((one) => one.name)}
          onClose={() => setNaming(null)}
          onName={(chosen) => {
            if (naming.what === 'save') keep([...saved, { name: chosen, search: address }])
            else {
              keep(saved.map((one) => (one.name === naming.name ? { ...one, name: chosen } : one)))
            }
            setNaming(null)
          }}
        />
      )}
    </>
  )
}

function View({ value, name }: { value: string; name: string }) {
  return (
    <Menu.RadioItem className="pop-item" value={value} closeOnClick>
      <span className="grow">{name}</span>
      <span className="pop-check">
        <Menu.RadioItemIndicator>✓</Menu.RadioItemIndicator>
      </span>
    </Menu.RadioItem>
  )
}

function Toggle(props: { name: string; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <Menu.CheckboxItem
      className="pop-item"
      checked={props.checked}
      onCheckedChange={props.onChange}
      closeOnClick={false}
    >
      <span className="grow">{props.name}</span>
      <span className="pop-check">
        <Menu.CheckboxItemIndicator>✓</Menu.CheckboxItemIndicator>
      </span>
    </Menu.CheckboxItem>
  )
}

function NameDialog(props: {
  naming: Exclude<Naming, null>
  taken: string[]
  onClose: () => void
  onName: (name: string) => void
}) {
  const { naming } = props
  const old = naming.what === 'rename' ? naming.name : ''
  const [name, setName] = useState(old)
  const field = useRef<HTMLInputElement>(null)
  const chosen = name.trim()
  const isTaken = chosen !== old && (props.taken.includes(chosen) || chosen === 'Default')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (chosen !== '' && !isTaken) props.onName(chosen)
  }
  return (
    <Dialog
      open
      onClose={props.onClose}
      title={naming.what === 'save' ? 'Save this view' : `Rename ${naming.name}`}
      first={field}
    >
      <form onSubmit={submit} className="name-form">
        <label>
          Name
          <input
            ref={field}
            className="field"
            value={name}
            maxLength={40}
            autoComplete="off"
            aria-invalid={isTaken}
            aria-describedby={isTaken ? 'name-taken' : undefined}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        {isTaken && (
          <p id="name-taken" role="alert" className="st blocked">
            A view is called {chosen}. Choose another name.
          </p>
        )}
        <div className="dialog-foot">
          <Button look="quiet" onClick={props.onClose}>
            Cancel
          </Button>
          <Button look="primary" type="submit" disabled={chosen === '' || isTaken}>
            {naming.what === 'save' ? 'Save' : 'Rename'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
