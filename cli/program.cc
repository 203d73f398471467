#include "headrace/cli/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <new>
#include <string_view>

#include "headrace/cli/bench_command.h"
#include "headrace/cli/config_file.h"
#include "headrace/cli/doctor_command.h"
#include "headrace/cli/evaluate_command.h"
#include "headrace/cli/export_command.h"
#include "headrace/cli/help.h"
#include "headrace/cli/import_command.h"
#include "headrace/cli/index_command.h"
#include "headrace/cli/info_command.h"
#include "headrace/cli/pack_command.h"
#include "headrace/cli/predict_command.h"
#include "headrace/cli/preview_command.h"
#include "headrace/cli/processes.h"
#include "headrace/cli/suggestion.h"
#include "headrace/cli/terminal.h"
#include "headrace/cli/train_command.h"
#include "headrace/cli/versions.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

constexpr const char* description =
    "Headrace streams sets of images from disk, augments them on all cores, and trains "
    "convolutional networks from them.";
constexpr const char* footer =
    "headrace COMMAND --help tells what a command takes, with an example.\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 130 or 143 stopped by Ctrl-C or SIGTERM.";

constexpr std::string_view commands_for_one_process[] = {
    "evaluate", "predict", "preview", "plan",   "export",
    "import",   "index",   "pack",    "doctor", "bench loader"};

std::vector<Command> add_commands(CLI::App& program) {
  std::vector<Command> commands;
  commands.push_back(make_train_command(program));
  commands.push_back(make_evaluate_command(program));
  commands.push_back(make_predict_command(program));
  commands.push_back(make_preview_command(program));
  commands.push_back(make_plan_command(program));
  commands.push_back(make_export_command(program));
  commands.push_back(make_import_command(program));
  commands.push_back(make_index_command(program));
  commands.push_back(make_pack_command(program));
  commands.push_back(make_doctor_command(program));
  for (Command& command : make_bench_commands(program)) commands.push_back(std::move(command));
  commands.push_back(make_info_command(program));
  return commands;
}

// The command that the arguments begin with, and how many of them name it.
const Command* find_command(const std::vector<Command>& commands,
                            const std::vector<std::string>& arguments, std::size_t& words) {
  for (const Command& command : commands) {
    std::string begin;
    words = 0;
    for (const std::string& argument : arguments) {
      begin += (words++ > 0 ? " " : "") + argument;
      if (begin == command.name) return &command;
      if (begin.size() > command.name.size()) break;
    }
  }
  words = 0;
  return nullptr;
}

std::vector<std::string> with_files(const Command& command, std::vector<std::string> own) {
  const std::vector<std::string> given = own;
  own = with_config(*command.app, command.name, given);
  const std::string remembered =
      command.remembered_options ? command.remembered_options(own) : std::string();
  if (remembered.empty()) return own;
  return with_options(*command.app, read_config(remembered, command.name), remembered, own);
}

std::vector<const CLI::App*> subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// What is wrong with what stands, or does not stand, in a command's place.
std::string command_message(const CLI::App& program, const std::vector<std::string>& arguments) {
  const auto groups = subcommands(program);
  const auto group = std::find_if(groups.begin(), groups.end(), [&](const CLI::App* app) {
    return !arguments.empty() && app->get_name() == arguments[0];
  });
  const bool in_group = group != groups.end();
  std::vector<std::string> names;
  for (const CLI::App* app : in_group ? subcommands(**group) : groups)
    names.push_back(app->get_name());
  const std::string all = fmt::format("{}", fmt::join(names, ", "));
  if (arguments.empty()) return "which COMMAND? One of: " + all;
  if (in_group && arguments.size() == 1)
    return fmt::format("{} what? One of: {}", arguments[0], all);
  const std::string& word = arguments[in_group ? 1 : 0];
  return fmt::format("there is no command \"{}\"{} (commands: {})", word, did_you_mean(word, names),
                     all);
}

// What a person mistyped, in CLI11's words or better ones.
std::string usage_message(const CLI::App& program, const Command* command,
                          const std::vector<std::string>& arguments, const CLI::ParseError& error) {
  const CLI::App& app = command != nullptr ? *command->app : program;
  const bool begins_with_option = !arguments.empty() && arguments[0].rfind('-', 0) == 0;
  if (command == nullptr && !begins_with_option) return command_message(program, arguments);
  // A mistyped option explains a required one that is missing.
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
      dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    for (const std::string& word : app.remaining()) {
      if (word.rfind('-', 0) != 0) continue;
      const std::string name = word.substr(0, word.find('='));
      return fmt::format("there is no option {}{}", name, did_you_mean(name, option_names(app)));
    }
    if (!app.remaining().empty())
      return fmt::format("\"{}\" does not belong here: nothing takes it", app.remaining().front());
  }
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

int parse_and_run(const std::vector<std::string>& arguments) {
  CLI::App program(description, "headrace");
  program.formatter(std::make_shared<HelpFormatter>());
  program.footer(footer);
  program.set_help_flag("-h,--help", "Show this help and exit");
  program.set_version_flag("--version", "headrace " + headrace_version(),
                           "Show the version and exit");
  program.require_subcommand(1);
  const std::vector<Command> commands = add_commands(program);
  std::size_t words = 0;
  const Command* command = find_command(commands, arguments, words);
  const auto split = arguments.begin() + static_cast<std::ptrdiff_t>(words);
  try {
    std::vector<std::string> all(arguments.begin(), split);
    std::vector<std::string> own(split, arguments.end());
    if (command != nullptr) own = with_files(*command, std::move(own));
    all.insert(all.end(), own.begin(), own.end());
    std::reverse(all.begin(), all.end());  // as CLI11 takes them
    program.parse(all);
  } catch (const CLI::Success& success) {  // --help, --version
    return program.exit(success);
  } catch (const CLI::ParseError& error) {
    complain(usage_message(program, command, arguments, error));
    Terminal::standard_error().line(fmt::format(
        "See: headrace{} --help", command != nullptr ? " " + command->name : std::string()));
    return exit_usage;
  } catch (const Error& error) {
    complain(error.what());
    return error.code() == ErrorCode::invalid_argument ? exit_usage : exit_failed;
  }
  const auto& one = commands_for_one_process;
  if (std::find(std::begin(one), std::end(one), command->name) != std::end(one))
    require_one_process(command->name);
  return command->run();
}

}  // namespace

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& text,
                      const std::string& example) {
  CLI::App* app = parent.add_subcommand(name, text);
  app->footer("Example:\n" + example);
  app->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app->add_option("--config", "Take options from a file: TOML (batch-size = 128), or a run.json")
      ->type_name("FILE")
      ->configurable(false)
      ->group("Options");
  return app;
}

int run_program(const std::vector<std::string>& arguments) {
  int status = exit_failed;
  try {
    status = parse_and_run(arguments);
  } catch (const std::bad_alloc&) {
    complain("out of memory: use smaller batches (--batch-size) or fewer threads");
  } catch (const std::exception& error) {
    complain(error.what());
  }
  // Results that could not be written are no results.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    complain(io_error("cannot write to standard output", errno).what());
    if (status == exit_done) status = exit_failed;
  }
  return status;
}

}  // namespace headrace::cli
