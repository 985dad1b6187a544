// What each method minimises, as playground/core and TRL compute it, and where it was published. Indices stand in braces:
// "x_{t}", "x^{2}". In words: `method.<name>.how` and `method.<name>.symbols`.

const arxiv = (words, id) => [words, `https://arxiv.org/abs/${id}`];
const BRADLEY_TERRY = ["Bradley & Terry 1952", "https://doi.org/10.2307/2334029"];
const RAFAILOV = arxiv("Rafailov et al. 2023", "2305.18290");
const APO = arxiv("D'Oosterlinck et al. 2024", "2408.06266");
const CLIPPED = "min(ρ_{t} A_{t}, clip(ρ_{t}, 1 − ε, 1 + ε) A_{t})";

export const METHODS = {
  sft: {
    formulas: ["L = −(1/N) Σ_{t} log π_{θ}(y_{t} | x, y_{<t})"],
    sources: [arxiv("Wei et al. 2021", "2109.01652"), arxiv("Ouyang et al. 2022", "2203.02155")],
  },
  reward: {
    formulas: ["L = −log σ(r_{w} − r_{l} − m) + c · (r_{w} + r_{l})^{2}", "P(y_{w} ≻ y_{l}) = σ(r_{w} − r_{l})"],
    sources: [BRADLEY_TERRY, arxiv("Ouyang et al. 2022", "2203.02155"), arxiv("Eisenstein et al. 2023", "2312.09244")],
  },
  ppo: {
    formulas: [
      `L = −E_{t} [${CLIPPED}],   ρ_{t} = π_{θ}(y_{t}) / π_{old}(y_{t})`,
      "A_{t} = Σ_{k} (γλ)^{k} (r_{t+k} + γ V_{t+k+1} − V_{t+k})",
      "r_{t} = −β log(π_{old}(y_{t}) / π_{ref}(y_{t})) + [t = T] · r(x, y)",
    ],
    sources: [arxiv("Schulman et al. 2017", "1707.06347"), arxiv("Schulman et al. 2016", "1506.02438"), arxiv("Ziegler et al. 2019", "1909.08593")],
  },
  grpo: {
    formulas: [
      "A_{i} = (r_{i} − mean(r_{1}, …, r_{G})) / std(r_{1}, …, r_{G})",
      `L = −E_{i,t} [${CLIPPED.replaceAll("A_{t}", "A_{i}")} − β (π_{ref}/π_{θ} − 1 − log(π_{ref}/π_{θ}))]`,
    ],
    sources: [arxiv("Shao et al. 2024", "2402.03300")],
  },
  rloo: {
    formulas: [
      "A_{i} = R_{i} − (1/(G − 1)) Σ_{j≠i} R_{j},   R_{i} = r(x, y_{i}) − β log(π_{old}(y_{i}) / π_{ref}(y_{i}))",
      "L = −E_{i} [min(ρ_{i} A_{i}, clip(ρ_{i}, 1 − ε, 1 + ε) A_{i})],   ρ_{i} = π_{θ}(y_{i}) / π_{old}(y_{i})",
    ],
    sources: [arxiv("Ahmadian et al. 2024", "2402.14740")],
  },
  dpo: {
    formulas: ["L = −log σ(β (Δ_{w} − Δ_{l})),   Δ = log(π_{θ}(y | x) / π_{ref}(y | x))"],
    sources: [RAFAILOV],
    losses: [
      ["sigmoid", "−log σ(β(Δ_{w} − Δ_{l}))", RAFAILOV],
      ["ipo", "(Δ_{w}/n_{w} − Δ_{l}/n_{l} − 1/(2β))^{2}", arxiv("Azar et al. 2023", "2310.12036")],
      ["hinge", "max(0, 1 − β(Δ_{w} − Δ_{l}))", arxiv("Zhao et al. 2023", "2305.10425")],
      ["robust", "(−(1 − ε) log σ(β(Δ_{w} − Δ_{l})) + ε log σ(−β(Δ_{w} − Δ_{l}))) / (1 − 2ε)", arxiv("Chowdhury et al. 2024", "2403.00409")],
      ["exo_pair", "KL(softmax(βΔ_{w}, βΔ_{l}) ‖ (1 − ε, ε))", arxiv("Ji et al. 2024", "2402.00856")],
      ["nca_pair", "−log σ(βΔ_{w}) − ½ log σ(−βΔ_{w}) − ½ log σ(−βΔ_{l})", arxiv("Chen et al. 2024", "2402.05369")],
      ["bco_pair", "−log σ(βΔ_{w}) − log σ(−βΔ_{l})", arxiv("Jung et al. 2024", "2404.04656")],
      ["sppo_hard", "(Δ_{w} − 1/(2β))^{2} + (Δ_{l} + 1/(2β))^{2}", arxiv("Wu et al. 2024", "2405.00675")],
      ["apo_zero", "1 − σ(βΔ_{w}) + σ(βΔ_{l})", APO],
      ["apo_down", "σ(βΔ_{w}) + 1 − σ(β(Δ_{w} − Δ_{l}))", APO],
    ],
  },
  kto: {
    formulas: ["L_{D} = λ_{D} (1 − σ(β(Δ − z))),   L_{U} = λ_{U} (1 − σ(β(z − Δ)))", "Δ = log(π_{θ}(y | x) / π_{ref}(y | x))"],
    sources: [arxiv("Ethayarajh et al. 2024", "2402.01306")],
  },
  orpo: {
    formulas: [
      "L = −(1/N) Σ_{t} log π_{θ}(y_{w,t}) − λ log σ(log(odds(y_{w}) / odds(y_{l})))",
      "odds(y) = p / (1 − p),   p = exp((1/n) Σ_{t} log π_{θ}(y_{t}))",
    ],
    sources: [arxiv("Hong et al. 2024", "2403.07691")],
  },
};
