// The language of the screen. One catalogue so far.

import { en, type Text } from './en.ts'

export const text: Text = en
