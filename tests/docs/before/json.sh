cat > job.yaml <<'END'
model: {family: mlp, widths: [3]}
data: {generator: gaussian, features: 2, classes: 2, sequences: 4}
output: {file: result.h5}
END
hesse run job.yaml
