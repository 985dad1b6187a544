// What was refused, and why, said beside the control that asked for it. Data is written by textContent only.

import { element } from "./status.js";

export function mount(root, props, _tell, watch) {
  const draw = () => {
    const { error } = props.value || {};
    const line = element("p", "pp-error", playground.sentence(error));
    line.setAttribute("role", "alert");
    root.querySelector(".pp-panel").replaceChildren(...(error ? [line] : []));
  };
  watch("value", draw);
  draw();
}
