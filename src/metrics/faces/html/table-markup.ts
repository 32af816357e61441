import { html, type Markup } from './markup.js'

/** A table whose first column names its rows; the others are numbers. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): Markup =>
  html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${head.map((text, index) => headCell(text, index))}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name = '', ...values]) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${values.map((value) => html`<td class="number">${value}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`

const headCell = (text: string, index: number): Markup =>
  index === 0 ? html`<th scope="col">${text}</th>` : html`<th scope="col" class="number">${text}</th>`
