// Cuts a sentence with **bold** and `mono` into pieces of text. Text stays text; nothing is ever HTML.

export interface Piece {
  text: string
  as: 'plain' | 'bold' | 'mono'
}

export function pieces(sentence: string): Piece[] {
  return sentence
    .split(/(\*\*[^*]+\*\*|`[^`]+`)/)
    .filter((part) => part !== '')
    .map((part) => {
      if (part.length > 4 && part.startsWith('**') && part.endsWith('**')) return { text: part.slice(2, -2), as: 'bold' }
      if (part.length > 2 && part.startsWith('`') && part.endsWith('`')) return { text: part.slice(1, -1), as: 'mono' }
      return { text: part, as: 'plain' }
    })
}

const DOTTED = /((?:[a-z][a-z0-9-]*\.)+[a-z][a-z0-9-]*)/

/** Text and, apart from it, the dotted names in it, cut behind their dots: a line breaks inside a name only when it has no room for it. */
export const breakable = (text: string): (string | string[])[] =>
  text.split(DOTTED).filter((part) => part !== '').map((part) => (DOTTED.test(part) ? part.split(/(?<=\.)/) : part))

export const plain = (sentence: string) => pieces(sentence).map((piece) => piece.text).join('')
