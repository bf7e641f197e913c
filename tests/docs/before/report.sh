# Two results with matrices, a training run and its series.
cat > job.yaml <<'END'
model: {family: mlp, widths: [3], seed: 1}
data: {generator: gaussian, features: 2, classes: 2, sequences: 8}
hessian: {scope: both}
train: {steps: 4, batch: 4, stages: [init, 2, 4]}
output: {matrices: true}
END
hesse run job.yaml --output result.h5
cp result.h5 first.h5
hesse run job.yaml --set model.seed=2 --output second.h5
hesse train job.yaml --output run1
hesse run job.yaml --set 'model.checkpoints=["run1/stage-*.safetensors"]' --output series.h5
