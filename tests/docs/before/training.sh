# The job of the page at a small size, grids with two optimisers, and a sweep with held-out examples.
cat > job.yaml <<'END'
model: {config: config.json}
data: {text: docs/faq.md, vocabulary: characters, sequences: 8, context: 16}
hessian: {scope: blocks, only: ["*.h.0.attn.*"]}
train: {steps: 1000, batch: 1, stages: [init, 100%], measures: {every: 500}}
output: {folder: run1}
END
sed 's,docs/faq,../docs/faq,; s,config: ,config: ../,; /^output/d' job.yaml > jobs/train_gpt2.yaml
python3 - <<'END'
import json
text = open("docs/faq.md").read()
json.dump({"model_type": "gpt2", "vocab_size": len(set(text)), "n_positions": 16, "n_embd": 4, "n_layer": 1,
           "n_head": 2}, open("config.json", "w"))
END
cat > grid.yaml <<'END'
model: {family: mlp, widths: [3]}
data: {generator: gaussian, features: 2, classes: 2, sequences: 16}
train:
  steps: 1251
  batch: 4
  learning_rate: [1e-3, 1e-2]
  evaluate: {every: 250, sequences: 16}
  measures: {every: 250, robust_condition: true}
END
for optimiser in adam sgd; do
    hesse train grid.yaml --set train.optimiser=$optimiser --output $optimiser
done
cat > sweep.yaml <<'END'
model: {family: mlp, widths: [3]}
data: {generator: gaussian, features: 2, classes: 2, sequences: 16}
train: {steps: 20, batch: 4, evaluate: {every: 10, sequences: 16}}
sweep:
  setting: {few: {data: {sequences: 8}}, many: {data: {sequences: 16}}}
  optimiser: {adam: {train: {optimiser: adam}}, sgd: {train: {optimiser: sgd}}}
END
hesse train sweep.yaml --output sweep
