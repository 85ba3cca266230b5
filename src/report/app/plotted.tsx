import { type PlotOptions, plot } from "@observablehq/plot";
import { useLayoutEffect, useRef } from "preact/hooks";

export interface PlottedProps {
  readonly title: string;
  readonly text: string;
  /** Undefined where there is nothing to draw yet. */
  readonly picture: PlotOptions | undefined;
}

/** A picture with its heading. The table of trials has the same numbers for those who do not see it. */
export function Plotted({ title, text, picture }: PlottedProps) {
  const figure = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (picture)
      figure.current?.replaceChildren(
        plot({ width: 560, height: 300, ...picture, ariaLabel: `${title}. ${text}`, style: "background:none" }),
      );
    else figure.current?.replaceChildren();
  }, [picture, title, text]);
  return (
    <section>
      <h2>{title}</h2>
      <p>{picture ? text : "Nothing to show yet."}</p>
      <figure ref={figure} />
    </section>
  );
}
