/** The shape a JSON value must have. A field is optional unless its name ends in `!`; unknown fields pass, as in Go. */
export type Shape =
  | 'string'
  | 'int'
  | 'boolean'
  | 'any'
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly either: readonly Shape[] }
  | { readonly fields: Fields }

type Fields = readonly (readonly [name: string, shape: Shape, required: boolean])[]

/** An object with these fields. */
export function object(fields: Readonly<Record<string, Shape>>): Shape {
  return {
    fields: Object.entries(fields).map(([name, shape]) => [
      name.replace(/!$/, ''),
      shape,
      name.endsWith('!'),
    ]),
  }
}

/** Where the value first departs from the shape (`nats.pub.allow[2]`), or `undefined` when it does not. */
export function misshapen(value: unknown, shape: Shape, where: string): string | undefined {
  switch (shape) {
    case 'any':
      return undefined
    case 'int':
      return Number.isInteger(value) ? undefined : where
    case 'string':
    case 'boolean':
      return typeof value === shape ? undefined : where
    default:
      return misshapenWhole(value, shape, where)
  }
}

function misshapenWhole(value: unknown, shape: Exclude<Shape, string>, where: string): string | undefined {
  if ('either' in shape) {
    return shape.either.some((one) => misshapen(value, one, where) === undefined) ? undefined : where
  }
  if ('list' in shape) return Array.isArray(value) ? misshapenItem(value, shape.list, where) : where
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return where
  if ('map' in shape) return misshapenEntry(value, shape.map, where)
  return misshapenField(value as Readonly<Record<string, unknown>>, shape.fields, where)
}

function misshapenItem(values: readonly unknown[], shape: Shape, where: string): string | undefined {
  for (let i = 0; i < values.length; i += 1) {
    const found = misshapen(values[i], shape, where)
    if (found !== undefined) return `${where}[${i}]${found.slice(where.length)}`
  }
  return undefined
}

function misshapenEntry(value: object, shape: Shape, where: string): string | undefined {
  for (const [name, item] of Object.entries(value)) {
    const found = misshapen(item, shape, where)
    if (found !== undefined) return `${where}.${name}${found.slice(where.length)}`
  }
  return undefined
}

/** Walks what the shape knows, and reads own fields only: nothing is inherited from a prototype. */
function misshapenField(
  value: Readonly<Record<string, unknown>>,
  fields: Fields,
  where: string,
): string | undefined {
  for (const [name, shape, required] of fields) {
    if (Object.hasOwn(value, name)) {
      const found = misshapen(value[name], shape, name)
      if (found !== undefined) return where === '' ? found : `${where}.${found}`
    } else if (required) {
      return where === '' ? name : `${where}.${name}`
    }
  }
  return undefined
}
