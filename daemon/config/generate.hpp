// Texts made from the table of keys, committed so that they can be installed and read without a
// build; a test fails when they differ from what these functions make. `vsoad-schema` writes them.
#pragma once

#include <string>
#include <string_view>

namespace vsoad::config {

/// conf/vsoad.schema.json: JSON Schema, draft 7, for editors.
std::string generate_json_schema();

/// packaging/man/vsoad.yaml.5.
std::string generate_man_page();
/// The example in it, which must load.
std::string_view man_page_example();

}  // namespace vsoad::config
