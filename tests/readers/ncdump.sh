# Print datasets of numbers with ncdump: ncdump.sh FOLDER LIST.
ncdump 2>&1 | sed -n 's/^netcdf library version \([^ ]*\).*/version \1/p'
while read -r file path; do
    case $path in
    */*) variable=/$path ;;
    *) variable=$path ;;
    esac
    printf '%s %s ' "$file" "$path"
    ncdump -p 17,17 -v "$variable" "$1/$file.h5" | awk -v name="${path##*/}" '
        /^ *data:/ { data = 1; next }
        /^ *group:/ { data = 0 }
        data && $1 == name && $2 == "=" { inside = 1; sub(/^[^=]*= */, "") }
        inside { text = text " " $0 }
        inside && /;/ { exit }
        END { gsub(/[,;]/, " ", text); gsub(/ +/, " ", text); print text }'
done < "$2"
